#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How an account of CyberArk is named: ID, SAFE:ID, SAFE:ID:PLATFORM, or as a MID's config.xml has it, id=ID, type=TYPE
 */

#include "common/def.h"

#define CYBERARK_PREFIX "cyberark:" /* of a password that lies there */
#define CYBERARK_NAME_MAX 180U      /* characters of each part */

typedef struct CyberArkId {
        char safe[CYBERARK_NAME_MAX + 1]; /* "": the configured one */
        char object[CYBERARK_NAME_MAX + 1];
        char platform[CYBERARK_NAME_MAX + 1]; /* "": any */
} CyberArkId;

/* @text: what stands behind the prefix. Return: 0; 1 when it is no ID */
int cyberark_id_parse(const char *text, CyberArkId *ret) _must_check_;
