# SPDX-License-Identifier: Apache-2.0
"""Restart, stop, reload, the watchdog, and how it all ends."""

import os
import signal

from harness import Answer, UnixConnection, contains, equal, wait_until
from host import CALLD_SOCKET, ETC, SERVICES, Calls, add_profile, call, good, journal, journal_of, main_pid, pids, role, run, show, systemctl, write

DROP_IN = "/run/systemd/system/%s.d/%s.conf"


def recovered():
    wait_until(lambda: call("fresh").status == 200, "a new handshake")
    wait_until(lambda: call("midtls", path="/readyz").status == 200, "all workers know keyd")


def restarted():
    """systemctl restart: kept connections go on, new handshakes wait for the new keyd."""
    good("crm")
    before = main_pid("midtls-keyd.service")
    with Calls("crm") as calls:
        systemctl("restart", "midtls-keyd.service")
        n = calls.n_good
        wait_until(lambda: calls.problem or calls.n_good > n + 20, "calls go on")
    equal(main_pid("midtls-keyd.service") != before, True, "another process")
    recovered()


def reloaded():
    """Ends when all is loaded, and fails when a key could not be; either way keyd goes on."""
    good("crm")
    before = main_pid("midtls-keyd.service")
    systemctl("reload", "midtls-keyd.service")
    add_profile("wrong", "p384.keytool.p12", "not-it")
    try:
        systemctl("reload", "midtls-keyd.service", status=1)
    finally:
        os.unlink(ETC + "/wrong.profile")
    contains(journal_of("midtls-keyd.service"), "wrong: failed", "journal of keyd")
    systemctl("reload", "midtls-keyd.service")
    # It notices the files itself too, and says then that it is reloading.
    wait_until(lambda: show("midtls-keyd.service", "ActiveState") == "active", "keyd has loaded")
    equal(main_pid("midtls-keyd.service"), before, "process of keyd")
    good("fresh")


def signer_killed():
    """The supervisor starts another one, which gets the keys by a new load; the service is not restarted."""
    good("crm")
    before = main_pid("midtls-keyd.service")
    os.kill(role("keyd-signer"), signal.SIGKILL)
    recovered()
    equal((main_pid("midtls-keyd.service"), show("midtls-keyd.service", "NRestarts")), (before, "0"), "keyd")


def stopped():
    """Without keyd and its sockets the answer names keyd; with a socket again, calld's next try starts keyd."""
    systemctl("stop", "midtls-keyd.socket", "midtls-keyd-admin.socket", "midtls-keyd.service")
    equal(show("midtls-keyd.service", "ActiveState"), "inactive", "keyd")
    equal(os.path.exists("/run/midtls/keyd.sock"), False, "keyd's socket")
    answer = call("fresh")
    equal((answer.status, answer.code()), (503, "keyd-unavailable"), "answer (%.300r)" % answer.body)
    systemctl("start", "midtls-keyd.socket", "midtls-keyd-admin.socket")
    recovered()
    equal(show("midtls-keyd.service", "ActiveState"), "active", "keyd")


def calld_restarted():
    """Callers that connect meanwhile wait in the socket's backlog."""
    good("crm")
    before = main_pid("midtls-calld.service")
    with Calls("crm", kept=False) as calls:
        wait_until(lambda: calls.problem or calls.n_good > 20, "calls go on")
        systemctl("restart", "midtls-calld.service")
        n = calls.n_good
        wait_until(lambda: calls.problem or calls.n_good > n + 20, "calls go on")
    equal(main_pid("midtls-calld.service") != before, True, "another process")


def accepted():
    """Who was accepted before the end, and speaks only then, is answered."""
    good("crm")
    pid = main_pid("midtls-calld.service")
    connection = UnixConnection(CALLD_SOCKET)
    connection.connect()
    good("crm")  # connections are accepted in order
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: show("midtls-calld.service", "ActiveState") != "active", "calld ends")
    good("crm", connection)
    wait_until(lambda: show("midtls-calld.service", "ActiveState") == "inactive", "calld has ended")
    equal(show("midtls-calld.service", "Result"), "success", "how it ended")
    good("crm")


def upgraded():
    """Both are replaced, as by a package, while a call is half sent: it is answered by the old ones, the next by the new."""
    good("crm")
    before = {unit: main_pid(unit) for unit in SERVICES}
    connection = UnixConnection(CALLD_SOCKET)
    connection.putrequest("POST", "/echo", skip_host=True)
    for name, value in (("Host", "crm"), ("Content-Length", "10")):
        connection.putheader(name, value)
    connection.endheaders(b"first")
    good("crm")  # connections are accepted in order
    systemctl("restart", "--no-block", *SERVICES)
    wait_until(lambda: show("midtls-calld.service", "ActiveState") == "deactivating", "calld ends")
    connection.send(b"then.")
    answer = Answer(connection.getresponse())
    equal((answer.status, answer.body), (200, b"firstthen."), "answer of the call that was under way")
    for unit in SERVICES:
        wait_until(lambda: show(unit, "ActiveState") == "active" and main_pid(unit) != before[unit], unit + " is another process")
    good("fresh")


def tcp():
    """The optional socket, where nobody can tell who calls: only for connections that anybody may use."""
    systemctl("stop", "midtls-calld.service")
    systemctl("start", "midtls-calld-tcp.socket")
    text = run("curl", "--silent", "--max-time", "20", "--header", "Host: crm", "http://127.0.0.1:8470/tell")
    contains(text, "urn:midtls:error:caller-denied", "answer")
    good("crm")
    systemctl("stop", "midtls-calld-tcp.socket")


def all_recorded():
    """However many in how short a time: each answer that callers got has its record."""
    with Calls("crm") as calls:
        wait_until(lambda: calls.problem or calls.n_good > 300, "calls", 30)
    since = "@%.6f" % calls.started
    run("journalctl", "--sync")
    n = run("journalctl", "--no-pager", "--quiet", "--output=cat", "--since=" + since, "MIDTLS_EVENT=call").count("\n")
    equal(n, calls.n_good, "records of %d calls" % calls.n_good)
    equal([record["MESSAGE"] for record in journal() if "MIDTLS_RECORDS_LOST" in record], [], "records that tell of lost ones")


def calld_stopped():
    systemctl("stop", "midtls-calld.service")
    equal((show("midtls-calld.service", "ActiveState"), show("midtls-calld.service", "Result")), ("inactive", "success"), "calld")
    good("fresh")


def hung():
    """Who does not answer the watchdog is killed, without a core, and started again."""
    for unit in SERVICES:
        equal(show(unit, "WatchdogUSec"), "30s", "WatchdogSec= of " + unit)
        write(DROP_IN % (unit, "watchdog"), "[Service]\nWatchdogSec=1s\nRestartSec=100ms\n", mode=0o644)
    systemctl("daemon-reload")
    systemctl("restart", *SERVICES)
    good("fresh")
    before = {unit: main_pid(unit) for unit in SERVICES}
    for pid in before.values():
        os.kill(pid, signal.SIGSTOP)
    for unit in SERVICES:
        wait_until(lambda: int(show(unit, "NRestarts")) > 0 and show(unit, "ActiveState") == "active", unit + " runs again", 20)
        for line in ("Watchdog timeout", "code=killed, status=6/ABRT"):
            wait_until(lambda: line in journal_of(unit), "%r in the journal of %s" % (line, unit))
        text = journal_of(unit)
        equal("code=dumped" in text, False, "a core of " + unit)
        equal(before[unit] in pids(unit), False, "the old process of " + unit)
    recovered()
    for unit in SERVICES:
        os.unlink(DROP_IN % (unit, "watchdog"))
    systemctl("daemon-reload")


def idle():
    """IdleExit=: calld ends, then keyd; their sockets stay, and the next call starts both."""
    path = ETC + "/midtls.conf.d/idle.conf"
    write(path, "[Calls]\nIdleExit=1s\n", "midtls-keyd")
    os.chmod(os.path.dirname(path), 0o755)
    systemctl("restart", *SERVICES)
    try:
        for _ in range(2):
            good("crm")
            for unit in reversed(SERVICES):
                wait_until(lambda: show(unit, "ActiveState") == "inactive", unit + " ends", 20)
                equal((show(unit, "Result"), show(unit, "NRestarts")), ("success", "0"), "how %s ended" % unit)
        with Calls("fresh", kept=False) as calls:
            wait_until(lambda: calls.problem or calls.n_good > 5, "calls go on")
    finally:
        os.unlink(path)
        systemctl("restart", *SERVICES)


def sockets_restarted():
    """A socket that is made anew is found by the daemon of the other side."""
    good("fresh")
    systemctl("stop", "midtls-keyd.service")
    systemctl("restart", "midtls-keyd.socket")
    recovered()


def out_of_memory():
    """calld goes before keyd, and before most others."""
    scores = []
    for unit in SERVICES:
        with open("/proc/%d/oom_score_adj" % main_pid(unit)) as file:
            scores.append(int(file.read()))
        equal((show(unit, "MemorySwapMax"), show(unit, "LimitCORE")), ("0" if "keyd" in unit else "infinity", "0"), "limits of " + unit)
    equal(scores[0] < scores[1], True, "scores of keyd and calld: %r" % scores)


def ended():
    systemctl("stop", *SERVICES)
    for unit in SERVICES:
        equal(show(unit, "Result"), "success", unit)
    equal(systemctl("--failed", "--no-legend", "--plain"), "", "failed units")


def tests(suite):
    suite.run("keyd is restarted while calls run", restarted)
    suite.run("systemctl reload", reloaded)
    suite.run("the signer is killed", signer_killed)
    suite.run("keyd is stopped, and started by its socket", stopped)
    suite.run("calld is restarted while calls come", calld_restarted)
    suite.run("calld ends when a caller has connected and not spoken yet", accepted)
    suite.run("both are replaced while a call is half sent", upgraded)
    suite.run("the optional TCP socket", tcp)
    suite.run("no call without a record, whatever the journal's rate limit", all_recorded)
    suite.run("calld is stopped, and started by its socket", calld_stopped)
    suite.run("the watchdog kills who hangs", hung)
    suite.run("both end when nobody calls, and the next call starts them", idle)
    suite.run("keyd's socket is made anew", sockets_restarted)
    suite.run("calld goes first when memory is short", out_of_memory)


def end(suite):
    suite.run("both end well", ended)
