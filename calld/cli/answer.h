#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/client.h"

/* Shows the answer to a call: head, body, and what came of it. Return: the exit status */
int answer_show(const Options *o, Http *http, const HttpHead *head);
