/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/calld/cli/canned-answers.h"

#define JSON "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
#define CERTIFICATE                                                                                                                           \
        "{\"subject\":\"CN=client\",\"issuer\":\"CN=ca\",\"sha256\":\"ab\",\"key_type\":\"ec-p256\",\"not_before\":\"2020-01-01T00:00:00Z\"," \
        "\"not_after\":\"2100-01-01T00:00:00Z\"}"
#define CONNECTION                                                                                                                          \
        "{\"name\":\"crm\",\"profile\":\"mauth\",\"url\":\"https://localhost:8443/api\",\"state\":\"ready\",\"reason\":\"\",\"hint\":\"\"," \
        "\"host\":\"localhost\",\"port\":8443,\"base_path\":\"/api\",\"http2\":true,\"session_resumption\":false,"                          \
        "\"connect_timeout_usec\":10000000,\"timeout_usec\":175000000,\"max_request_bytes\":67108864,\"max_response_bytes\":1000,"          \
        "\"proxy\":\"\",\"allow_users\":[\"mid\",\"app\"],\"allow_methods\":[],\"headers\":[{\"name\":\"X-Api-Key\",\"value\":\"hush\"}],"  \
        "\"retry\":{\"strategy\":\"none\",\"count\":3},\"certificate\":" CERTIFICATE ",\"generation\":1}"
#define BROKEN                                                                                                        \
        "{\"name\":\"wrongpw\",\"profile\":\"broken\",\"url\":\"https://localhost:8443/\",\"state\":\"unavailable\"," \
        "\"reason\":\"the password is wrong\\u001b[2J\",\"hint\":\"look at Password=\",\"certificate\":null,\"generation\":0}"
#define PROFILE                                                                                                                        \
        "{\"name\":\"mauth\",\"description\":\"\",\"state\":\"ready\",\"generation\":1,\"key_type\":\"ec-p256\",\"default_port\":443," \
        "\"minimum_tls\":\"1.2\",\"allowed_names\":[],\"pins\":[],\"certificate\":" CERTIFICATE                                        \
        ",\"chain\":[{\"subject\":\"CN=sub\",\"sha256\":\"cd\",\"not_after\":\"2099-01-01T00:00:00Z\"}],\"connections\":[\"crm\"]}"
#define PROBLEM(status, code)                                                                                                   \
        "HTTP/1.1 " status "\r\nProxy-Status: midtls; error=x; details=\"y\"\r\nContent-Type: application/problem+json\r\n\r\n" \
        "{\"type\":\"urn:midtls:error:" code "\",\"title\":\"Title\",\"detail\":\"what happened\",\"hint\":\"what to do\",\"call_id\":\"c0ffee\"}"

const CannedAnswer canned_answers[] = {
        {"GET /status ", JSON "{\"version\":\"0.1.0\",\"mid_name\":\"mid-1\",\"keyd\":\"up\",\"revision\":3,\"n_connections\":2,\"n_profiles\":1,"
                              "\"n_calls\":7,\"uptime_usec\":90000000,\"max_calls\":1024,\"max_calls_per_user\":256}"},
        {"GET /connections ", JSON "{\"connections\":[" CONNECTION "," BROKEN "]}"},
        {"GET /profiles ", JSON "{\"profiles\":[" PROFILE ",{\"name\":\"broken\",\"state\":\"unavailable\",\"certificate\":null}]}"},
        {"POST /test/crm ", JSON "{\"alias\":\"crm\",\"url\":\"https://localhost:8443/api\",\"ok\":true,\"steps\":["
                                 "{\"name\":\"dns\",\"ok\":true,\"detail\":\"127.0.0.1\",\"hint\":\"\",\"usec\":10},"
                                 "{\"name\":\"http\",\"ok\":true,\"detail\":\"status 404\",\"hint\":\"\",\"usec\":10}],\"http_status\":404}"},
        {"POST /test/wrongpw ", JSON "{\"alias\":\"wrongpw\",\"url\":\"u\",\"ok\":false,\"steps\":["
                                     "{\"name\":\"signature\",\"ok\":false,\"detail\":\"no key\",\"hint\":\"look\",\"usec\":10}]}"},
        {"POST /test/", PROBLEM("404 Not Found", "alias-unknown")},
        {"GET /plain ", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nMidtls-Call-Id: id1\r\n\r\nhello"},
        {"GET /chunked ", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"},
        {"GET /cut ", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"},
        {"GET /missing ", "HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\nno such thing"},
        {"GET /denied ", PROBLEM("403 Forbidden", "caller-denied")},
        {"GET /garbage ", "SSH-2.0-OpenSSH_9.2\r\n\r\n"},
        {"GET mauth://localhost:8443/plain ", "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nabsolute"},
        {"HEAD /plain ", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
        {"POST /fault ", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\nMidtls-Soap-Fault: soap:Client\r\n"
                         "Midtls-Soap-Fault-String: no such incident: 7%25\r\n\r\n<a/>"},
        {"POST ", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"},
        {"PUT ", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"},
        {NULL, NULL},
};
