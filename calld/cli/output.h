#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* How this run prints: JSON or tables, colour or none; messages and problems on standard error */

#include <jansson.h>

#include "calld/cli/options.h"
#include "calld/cli/table.h"

/* Exit status */
#define EXIT_GOOD 0
#define EXIT_FAILED 1
#define EXIT_USAGE 2
#define EXIT_STEP_FAILED 3
#define EXIT_FAR_SERVER 22

/* "midtls: MESSAGE" and, unless @hint is NULL, "hint: HINT". Return: EXIT_FAILED, so that it can be returned at once */
int output_error(const char *hint, const char *format, ...) _printf_(2, 3);

/* An answer that midtls itself made. With --json the document goes to standard output. Return: EXIT_FAILED */
int output_problem(const Options *o, const json_t *problem);

/* Colour and width as the options, the environment and the terminal have it. */
TableStyle output_style(const Options *o);

void output_json(const Options *o, const json_t *document);

/* Whether ticks and crosses can be shown. */
bool output_is_utf8(void);

/* A member that is a string; NULL when it is not there, null or of another type. */
const char *json_text(const json_t *object, const char *name);

/* How a state of the gateway's JSON is tinted. */
Tint output_state_tint(const char *state);
