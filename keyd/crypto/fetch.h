#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The fetch channel: what the loader asks of a secret store, and what the fetcher answers
 *
 *      loader                          fetcher
 *      FETCH_CA*                    ->                     the CA certificates of the store as PEM, in parts
 *      FETCH_OPEN                   ->                     which it is, where, as whom; what proves that
 *                                   <- FETCH_ANSWER        its name is found, the fetcher has confined itself
 *      FETCH_ASK                    ->
 *                                   <- FETCH_ANSWER        the value, or why there is none
 *
 * A secret goes from a Secret into the socket and from the socket into a Secret.
 */

#include "common/buf.h"
#include "common/proto.h"
#include "common/role.h"
#include "keyd/crypto/secret.h"

#define FETCH_TEXT_MAX 512U
#define FETCH_CODE_MAX 16U              /* "APPAP004E" */
#define FETCH_CONTENT_MAX (160U * 1024) /* of a value: what a record holds */
#define FETCH_CHAIN_MAX (128U * 1024)   /* PEM */
#define FETCH_CA_BYTES_MAX (4U * 1024 * 1024)
#define FETCH_CA_PART_MAX (128U * 1024)

#define FETCH_CREDENTIAL_MAX 4096U

/* By what the store knows who asks */
typedef enum FetchLogin {
        FETCH_LOGIN_CERTIFICATE,
        FETCH_LOGIN_TOKEN,   /* the credential is the token */
        FETCH_LOGIN_APPROLE, /* identity and credential */
        _FETCH_LOGIN_MAX,
} FetchLogin;

/* Texts may be "" where they say nothing. */
typedef struct FetchOpen {
        RoleStore store;
        FetchLogin login;
        char *endpoint;     /* https URL without a query; never "" */
        char *identity;     /* CyberArk: the AppID; Vault: the role; Conjur: the login */
        char *scope;        /* Vault: the namespace; Conjur: the account */
        char *login_path;   /* Vault: where the login method is mounted */
        bool is_versioned;  /* Vault: the engine is KV version 2 */
        char *chain;        /* of the client certificate: PEM, leaf first */
        Secret *key;        /* its key: PrivateKeyInfo, DER, unencrypted; empty without a certificate */
        Secret *credential; /* may be empty */
} FetchOpen;

typedef struct FetchAsk {
        char *container; /* CyberArk: the safe; Vault: where the engine is mounted */
        char *folder;    /* CyberArk */
        char *object;    /* CyberArk: the account's name; Vault: the path; Conjur: the variable; never "" */
        char *part;      /* CyberArk: the platform; Vault: the field */
        uint64_t timeout_usec;
} FetchAsk;

/* What is to be done about it */
typedef enum FetchClass {
        FETCH_OK,
        FETCH_RETRY,         /* may work when it is asked again later */
        FETCH_RETRY_ALL,     /* likewise, and asking for another object now is of no use: the store is away or overloaded */
        FETCH_CONFIGURATION, /* a person has to change something; the old key stays meanwhile */
        FETCH_ALERT,         /* likewise, and somebody may be doing what they must not */
        _FETCH_CLASS_MAX,
} FetchClass;

/* "retry" "retry" "configuration" "alert"; "ok" */
const char *fetch_class_to_string(FetchClass c);

typedef struct FetchAnswer {
        FetchClass class;
        uint32_t retry_after_sec; /* as the store wished; 0: it did not say */
        bool is_changing;         /* the value is being changed just now */
        char code[FETCH_CODE_MAX + 1];
        char detail[FETCH_TEXT_MAX + 1];
        char hint[FETCH_TEXT_MAX + 1];
        Secret *content; /* FETCH_OK to an ASK; else NULL */
} FetchAnswer;

#define FETCH_NAME_SHOWN 100 /* characters of a name in a sentence */

#define HINT_LATER "nothing to do at first: it is tried again by itself, at growing intervals"

/* fetch-answer.c: fills *ret with a failure. @hint may be "". */
void fetch_fail(FetchAnswer *ret, FetchClass class, const char *hint, const char *detail_format, ...) _printf_(4, 5);

/*
 * Fills *ret with a value of @size bytes, or with what is wrong with it: empty, too large. @what: whose value it is, as a sentence begins.
 *
 * Return: 0 or -ENOMEM
 */
int fetch_set_value(FetchAnswer *ret, const char *what, const void *data, size_t size) _must_check_;

void fetch_open_done(FetchOpen *o);
void fetch_ask_done(FetchAsk *a);
void fetch_answer_done(FetchAnswer *a);

/* Return: 0, -EMSGSIZE (it does not fit), -ETIMEDOUT, -EPIPE, other -errno */
int fetch_send_ca(int fd, Span pem, uint64_t deadline_usec) _must_check_;
int fetch_send_open(int fd, const FetchOpen *o, uint64_t deadline_usec) _must_check_;
int fetch_send_ask(int fd, const FetchAsk *a, uint64_t deadline_usec) _must_check_;
int fetch_send_answer(int fd, const FetchAnswer *a, uint64_t deadline_usec) _must_check_;

/* Receives one record of any type. Return: 0, 1 when closed or too long, -ETIMEDOUT, other -errno */
int fetch_receive(int fd, uint64_t deadline_usec, Secret **ret) _must_check_;

/* The type of a record that was received. */
uint8_t fetch_type(const Secret *record);

/* Return: 0 or 1 when malformed, -errno. FETCH_CA: what it holds is appended to @pem, whose maximum bounds the whole. */
int fetch_parse_ca(const Secret *record, Buf *pem) _must_check_;
int fetch_parse_open(const Secret *record, FetchOpen *ret) _must_check_;
int fetch_parse_ask(const Secret *record, FetchAsk *ret) _must_check_;
int fetch_parse_answer(const Secret *record, FetchAnswer *ret) _must_check_;
