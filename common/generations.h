#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Generations: the highest number that each profile's key has had
 *
 * The supervisor remembers it over all loads, a loader learns it from ROLE_GENERATION. Bounded: a profile that was not noted for longest is
 * forgotten first, and whoever is not known begins behind all that were forgotten. So a number never comes twice for one profile.
 */

#include "common/proto.h"
#include "common/span.h"

#define GENERATIONS_MAX 4096U /* as many as there can be profiles */

typedef struct Generation {
        char profile[PROTO_NAME_MAX + 1];
        uint64_t last;
        uint64_t noted; /* the count of notes when it was noted last */
} Generation;

typedef struct Generations {
        Generation *items; /* NULL: none yet */
        size_t n_items;
        uint64_t n_noted;
        uint64_t forgotten; /* the highest of those that were forgotten */
} Generations;

void generations_done(Generations *g);

/* Raises the profile's number; a lower one than it has had only says that it is in use. @profile: PROTO_NAME_MAX at most (asserted). Return: 0 or -ENOMEM */
int generations_note(Generations *g, Span profile, uint64_t generation) _must_check_;

/* The highest number that @profile may have had; 0: none. */
uint64_t generations_last(const Generations *g, Span profile);
