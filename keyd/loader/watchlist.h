#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which folders matter: those of the configuration, and of each file that a profile names, with every symbolic link on the way
 *
 * A keystore that is a link to another folder changes when the link does, so each link counts as a file of its own.
 */

#include "common/record-list.h"
#include "keyd/loader/config/config.h"

/* Adds ROLE_WATCH records for the configuration's folders: @dir alone when it is not NULL. Before it is read. Return: 0 or -errno */
int watchlist_add_folders(const char *dir, RecordList *ret) _must_check_;

/* Adds those for the files that @c names. Return: 0 or -errno */
int watchlist_add_files(const Config *c, RecordList *ret) _must_check_;

/* Adds those for one file. @path may be relative, and need not be there. Return: 0 or -errno */
int watchlist_add_path(const char *path, RecordList *ret) _must_check_;
