#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* How old what secret stores gave may become: whom a load need not ask, and when the next one is to come */

#include "keyd/loader/decide.h"
#include "keyd/loader/secrets/vault.h"

/* Notes which stores were asked a short while ago. Before: vault_init() */
void age_note(Vault *v, const MsgLoad *load);

/* Whether nobody asked, all was well with the profile, and what a secret store gave for it is young: it stays as it is. */
bool age_is_young(const Vault *v, const MsgLoad *load, const ProfileResult *r);

/* Tells the supervisor when to load again, so that no value becomes older than it may. Return: 0 or -errno (logged) */
int age_tell_refresh(const Vault *v, const ProfileResult *results, size_t n_results) _must_check_;
