#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* --check and --inspect: for a person, or a program that reads one line */

#include "common/def.h"

/* Prints all problems, or "OK: ...", on standard output. Return: 0, 1 with errors, -errno */
int check_configuration(const char *config_dir, const char *root) _must_check_;

/* Reads the passwords from standard input: store's, then key's. Return: 0 for `ok`, 1 for any other verdict, -errno */
int check_keystore(const char *path, const char *key_alias) _must_check_;
