/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/fetcher/stores.h"

#include "keyd/fetcher/ccp.h"
#include "keyd/fetcher/conjur.h"
#include "keyd/fetcher/instance.h"
#include "keyd/fetcher/kv.h"

static const Store stores[ROLE_STORES] = {
        [ROLE_STORE_CYBERARK] = {{"CyberArk", "[CyberArk]", "Endpoint=", "https://HOST/AIMWebService/api/Accounts"}, ccp_ask, NULL},
        [ROLE_STORE_VAULT] = {{"Vault", "[Vault]", "Address=", "https://HOST:8200"}, kv_ask, kv_end},
        [ROLE_STORE_CONJUR] = {{"Conjur", "[Conjur]", "Address=", "https://HOST"}, conjur_ask, NULL},
        [ROLE_STORE_INSTANCE] = {{"the instance", "[Instance]", "Address=", "https://NAME.service-now.com"}, instance_ask, NULL},
};

const Store *store_find(RoleStore id) {
        return (unsigned) id < ARRAY_SIZE(stores) && stores[id].ask ? &stores[id] : NULL;
}
