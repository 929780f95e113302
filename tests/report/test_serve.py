"""`ganbench serve`: read-only, for this machine, only what the report lists; live while a suite runs."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import Cli
from factories import commit, make_record
from plans import plan_row

from ganbench.errors import MissingError, ResultsError, UsageError
from ganbench.report.server.http import Server, report_path
from ganbench.report.server.reports import Shelf
from ganbench.results import live
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan, save_plan


class Fake:
    """A report of three paths that says how often it was made; rendering one of them fails."""

    made = 0

    def __init__(self, results: Path, suite: str) -> None:
        type(self).made += 1
        self.results, self.suite, self.number = results, suite, self.made

    def paths(self) -> list[str]:
        return ["index.html", "runs/abc/index.html", "runs/abc/samples.png", "plots/a b.svg", "broken", "bad", "gone"]

    def render(self, path: str) -> tuple[bytes, str] | None:
        if path == "broken":
            raise ResultsError("runs/abc/record.json is damaged")
        if path == "bad":
            raise KeyError("metrics")
        if path == "gone":
            return None
        if path == "secret.txt":
            return (self.results / path).read_bytes(), "text/plain"  # listed by no one
        kind = {"png": "image/png", "svg": "image/svg+xml"}.get(path.rpartition(".")[2], "text/html; charset=utf-8")
        runs = sorted(one.name for one in (self.results / "runs").iterdir())
        return f"{self.suite} {path} {runs}".encode(), kind


def _planned(results: Path, *suites: str) -> Path:
    (results / "runs" / "abc").mkdir(parents=True)
    (results / "secret.txt").write_text("secret")
    for suite in suites:
        (results / suite).mkdir()
        (results / suite / "plan.json").write_text("{}")
    return results


@contextmanager
def _serving(results: Path, host: str = "127.0.0.1", suite: str | None = None) -> Iterator[Server]:
    shelf = Shelf(results, lambda name: Fake(results, name), suite)
    with Server(host, 0, shelf, results) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with _serving(_planned(tmp_path / "results", "small")) as serving:
        yield serving


def _ask(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and content, with the path sent exactly as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def test_pages_pictures_and_folders_come_with_their_types(server: Server) -> None:
    status, headers, content = _ask(server, "/")
    assert (status, content) == (200, b"small index.html ['abc']")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert _ask(server, "/index.html?at=1#x")[2] == content
    assert _ask(server, "/runs/abc/")[2] == b"small runs/abc/index.html ['abc']"
    assert _ask(server, "/runs/abc/samples.png")[1]["Content-Type"] == "image/png"
    assert _ask(server, "/plots/a%20b.svg")[0] == 200
    status, headers, _ = _ask(server, "/runs/abc")
    assert (status, headers["Location"]) == (301, "/runs/abc/")
    status, headers, content = _ask(server, "/", "HEAD")
    assert (status, headers["Content-Length"], content) == (200, "24", b"")


SAFE = ("Content-Security-Policy", "X-Content-Type-Options", "Cache-Control", "Referrer-Policy", "X-Frame-Options")


@pytest.mark.parametrize("path", ["/", "/nothing", "/broken", "/live.json", "/plots/a%20b.svg"])
def test_every_answer_forbids_scripts_from_elsewhere_and_keeping(server: Server, path: str) -> None:
    headers = _ask(server, path)[1]
    assert set(SAFE) <= set(headers)
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    script = "script-src 'self'" in headers["Content-Security-Policy"]
    assert script != path.endswith(".svg")
    assert "Python" not in headers["Server"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "BREW"])
def test_nothing_but_get_and_head_is_allowed(server: Server, method: str) -> None:
    status, headers, content = _ask(server, "/", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert b"read-only" in content
    assert "Content-Security-Policy" in headers


ESCAPES = [
    "/secret.txt", "/../secret.txt", "/%2e%2e/secret.txt", "/runs/../secret.txt", "/runs/abc/..%2f..%2fsecret.txt",
    "/..%5csecret.txt", "/runs/%2e/abc/", "//secret.txt", "/runs//abc/index.html", "/secret.txt%00", "/%ff",
    "/.live.json", "/small/plan.json", "/runs", "/runs/", "/etc/passwd", "///etc/passwd", "/gone", "/small/index.html",
    "/runs/abc/%0d%0aSet-Cookie:%20a=b", "/%2fetc/passwd", "/./", "/runs/abc/.", "/a" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("path", ESCAPES, ids=lambda path: path[:30])
def test_what_the_report_does_not_list_does_not_exist(server: Server, path: str) -> None:
    status, headers, content = _ask(server, path)
    assert status == 404
    assert b"secret\n" not in content
    assert b"root:" not in content
    assert "Set-Cookie" not in headers


def test_a_path_is_what_the_report_may_name() -> None:
    assert report_path("/") == "index.html"
    assert report_path("/a/b%20c/?x=/../") == "a/b c/index.html"
    assert report_path("*") is None
    assert report_path("http://elsewhere/") is None


def test_only_this_machines_names_are_answered_to(server: Server) -> None:
    port = server.server_port
    for host in ("localhost", f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "LOCALHOST.", "[::1]"):
        assert _ask(server, "/", Host=host)[0] == 200, host
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "", "localhost@evil.example",
                 "192.168.1.1", "localhost:80:90", "evil.example:127.0.0.1"):  # fmt: skip
        status, _, content = _ask(server, "/live.json", Host=host)
        assert (status, b"state" in content) == (403, False), host
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("GET", "/", skip_host=True)
    for host in ("localhost", "evil.example"):
        connection.putheader("Host", host)
    connection.endheaders()
    assert connection.getresponse().status == 403


def test_on_all_addresses_an_address_is_accepted_and_another_name_is_not(tmp_path: Path) -> None:
    with _serving(_planned(tmp_path / "results", "small"), host="0.0.0.0") as server:
        assert not server.local
        assert _ask(server, "/", Host="192.168.1.1:80")[0] == 200
        assert _ask(server, "/", Host=socket.gethostname())[0] == 200
        assert _ask(server, "/", Host="evil.example")[0] == 403


def test_a_known_page_is_not_sent_again(server: Server) -> None:
    tag = _ask(server, "/")[1]["ETag"]
    status, headers, content = _ask(server, "/", If_None_Match=f'"other", W/{tag}')
    assert (status, content) == (304, b"")
    assert "Content-Length" not in headers
    assert _ask(server, "/", If_None_Match='"other"')[0] == 200


def test_the_report_is_made_again_when_and_only_when_something_has_changed(server: Server) -> None:
    results, before = server.results, Fake.made
    tag = _ask(server, "/")[1]["ETag"]
    for _ in range(5):
        _ask(server, "/")
    assert Fake.made == before + 1
    (results / "runs" / "def").mkdir()
    status, _, content = _ask(server, "/", If_None_Match=tag)
    assert (status, content) == (200, b"small index.html ['abc', 'def']")
    assert Fake.made == before + 2
    (results / live.NAME).write_text(json.dumps({"schema": 1, **live.process(), "updated": live.now()}))
    _ask(server, "/")
    assert Fake.made == before + 3


def test_a_report_that_is_slow_to_make_is_not_made_for_every_change(tmp_path: Path) -> None:
    results = _planned(tmp_path / "results", "small")

    class Slow(Fake):
        def paths(self) -> list[str]:
            time.sleep(0.3)
            return super().paths()

    shelf, before = Shelf(results, lambda name: Slow(results, name)), Slow.made
    for number in range(3):
        (results / "runs" / str(number)).mkdir()
        assert shelf.find("index.html") is not None
    assert Slow.made == before + 1
    time.sleep(0.7)
    found = shelf.find("index.html")
    assert found is not None
    assert b"'2'" in found.content


def test_what_fails_is_a_page_that_says_so_and_the_server_goes_on(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        status, _, content = _ask(server, "/broken")
        assert (status, content) == (500, b"this page cannot be rendered: runs/abc/record.json is damaged\n")
    assert b"KeyError" in _ask(server, "/bad")[2]
    assert _ask(server, "/")[0] == 200
    assert capsys.readouterr().err.count("record.json is damaged") == 1


def test_a_browser_that_goes_away_is_no_error(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    for text in (b"", b"GET / HTTP/1.1\r\nHost: loc", b"\x16\x03\x01\x02\x00nonsense\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.server_port)) as connection:
            connection.sendall(text)
    assert _ask(server, "/")[0] == 200
    assert capsys.readouterr().err == ""


def test_several_suites_are_listed_and_each_is_in_its_folder(tmp_path: Path) -> None:
    results = _planned(tmp_path / "results", "small", "b&b+<i>")
    with _serving(results) as server:
        content = _ask(server, "/")[2].decode()
        assert '<a href="small/">small</a>: damaged: ' in content
        assert '<a href="b%26b%2B%3Ci%3E/">b&amp;b+&lt;i&gt;</a>' in content
        assert _ask(server, "/small/runs/abc/")[2] == b"small runs/abc/index.html ['abc']"
        assert _ask(server, "/b%26b%2B%3Ci%3E/")[2].startswith(b"b&b+<i> index.html")
        assert _ask(server, "/small")[1]["Location"] == "/small/"
        assert _ask(server, "/runs/abc/")[0] == _ask(server, "/other/")[0] == 404
    with _serving(results, suite="small") as server:
        assert _ask(server, "/")[2].startswith(b"small index.html")


def test_a_list_says_how_far_each_suite_is(tmp_path: Path) -> None:
    commit(Store(tmp_path), make_record("a1"))
    for suite in ("one", "two"):
        save_plan(tmp_path, SavedPlan(suite, "", "", (plan_row("game", "net", "points", {0: "a1", 1: "a2"}),)))
    state = {"schema": live.SCHEMA, "suite": "two", "updated": datetime.now(UTC).isoformat(), **live.process()}
    (tmp_path / live.NAME).write_text(json.dumps(state))
    with _serving(tmp_path) as server:
        content = _ask(server, "/")[2].decode()
    assert '<a href="one/">one</a>: 1 of 2 runs ended<' in content
    assert '<a href="two/">two</a>: 1 of 2 runs ended; running<' in content


def test_a_second_suite_is_listed_when_it_is_there(tmp_path: Path) -> None:
    with _serving(_planned(tmp_path / "results", "small")) as server:
        assert _ask(server, "/")[2].startswith(b"small index.html")
        (server.results / "other").mkdir()
        (server.results / "other" / "plan.json").write_text("{}")
        assert b'<a href="other/">other</a>: damaged: ' in _ask(server, "/")[2]


def test_a_damaged_report_is_not_read_again_for_every_request(tmp_path: Path) -> None:
    results, asked = _planned(tmp_path / "results", "small"), []

    def damaged(name: str) -> Fake:
        asked.append(name)
        time.sleep(0.2)
        raise ResultsError("runs/abc/record.json is damaged")

    shelf = Shelf(results, damaged)
    for _ in range(5):
        with pytest.raises(ResultsError):
            shelf.find("index.html")
    assert len(asked) == 1
    time.sleep(0.6)
    with pytest.raises(ResultsError):
        shelf.find("index.html")
    assert len(asked) == 2  # it may have been fixed in its place


@pytest.mark.parametrize("host", ["a" * 300, "\u00e9..x"])
def test_a_host_that_cannot_be_a_name_is_a_sentence(tmp_path: Path, host: str) -> None:
    results = _planned(tmp_path / "results", "small")
    shelf = Shelf(results, lambda name: Fake(results, name))
    with pytest.raises(UsageError, match="is not an address of this machine"):
        Server(host, 0, shelf, results)


def test_the_live_state_has_an_address(server: Server) -> None:
    assert json.loads(_ask(server, "/live.json")[2]) == {"state": "none"}
    (server.results / live.NAME).write_text(json.dumps({"schema": 1, **live.process(), "updated": live.now()}))
    assert json.loads(_ask(server, "/live.json")[2])["state"] == "running"


def test_what_cannot_be_served_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no suite has run in"):
        Shelf(tmp_path, lambda name: Fake(tmp_path, name))
    results = _planned(tmp_path / "results", "small")
    with pytest.raises(UsageError, match=r"no suite 'smal' in .* Did you mean 'small'"):
        Shelf(results, lambda name: Fake(results, name), "smal")
    with _serving(results) as server:
        for port in (server.server_port,):
            with pytest.raises(MissingError, match=f"port {port} of 127.0.0.1 is in use; choose another with --port"):
                Server("127.0.0.1", port, server.shelf, results)
    for host in ("no.such.host.invalid", "203.0.113.7"):
        with pytest.raises(UsageError, match="is not an address of this machine"):
            Server(host, 0, server.shelf, results)


def _process(tmp_path: Path, *options: object, **environment: str) -> subprocess.Popen[str]:
    """`ganbench serve` on a free port, hearing Ctrl-C however the tests were started."""
    code = "import os, signal, sys; signal.signal(2, signal.SIG_DFL); os.execv(sys.executable, sys.argv[1:])"
    command = [sys.executable, "-c", code, sys.executable, "-m", "ganbench", "serve", "--port", "0", *map(str, options)]
    return subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | environment,
    )  # fmt: skip


def _address(process: subprocess.Popen[str]) -> str:
    """The address that the server prints when it is ready."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _fetch(url: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_the_command_serves_until_it_is_stopped(cli: Cli, tmp_path: Path) -> None:
    _planned(tmp_path / "results", "small")
    for number, host in ((signal.SIGINT, "127.0.0.1"), (signal.SIGTERM, "0.0.0.0")):
        process = _process(tmp_path, "--host", host)
        url = _address(process)
        assert url.startswith("http://")
        assert _fetch(url, "/live.json") == (200, b'{"state": "none"}')
        if number == signal.SIGINT:
            taken = cli("serve", "--port", url.rpartition(":")[2].rstrip("/"))
            assert (taken.code, taken.out) == (3, "")
            assert "is in use; choose another with --port" in taken.err
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out) == (0, "")
        assert "Traceback" not in err
        assert ("there is no password" in err) == (host == "0.0.0.0")


def test_a_folder_without_a_suite_is_a_sentence(cli: Cli, tmp_path: Path) -> None:
    for made, message in ((False, "no results folder 'results'"), (True, "no suite has run in 'results'")):
        if made:
            (tmp_path / "results").mkdir()
        done = cli("serve", "--port", "0")
        assert (done.code, done.out) == (2, "")
        assert message in done.err


TINY = """
losses: [minimax]
architectures: [mlp]
datasets: [ring8]
seeds: 2
train: {steps: 400000, batch: 32, lr: 2e-3, engine: eager}
evaluation: {samples: 1000, real_samples: 1000}
"""


def test_a_suite_is_watched_while_it_runs_and_read_when_it_was_killed(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    command = [sys.executable, "-m", "ganbench", "run", "--suite", "tiny.yaml", "--jobs", "1"]
    run = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 360
    while not any(one.get("curves") for one in (live.read(tmp_path / "results") or {"running": []})["running"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    server = _process(tmp_path)
    try:
        url = _address(server)
        status, first = _fetch(url, "/")
        assert status == 200
        assert b"minimax x mlp x ring8" in first
        state = json.loads(_fetch(url, "/live.json")[1])
        assert state["state"] == "running"
        while json.loads(_fetch(url, "/live.json")[1])["running"][0]["step"] == state["running"][0]["step"]:
            time.sleep(0.2)
        assert run.poll() is None
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        assert json.loads(_fetch(url, "/live.json")[1])["state"] == "stale"
        deadline = time.monotonic() + 360  # a page is not made again at once
        while _fetch(url, "/")[1] == first:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        for process in (run, server):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def test_two_hundred_requests_at_once_are_all_answered(server: Server) -> None:
    began = threading.Barrier(200)

    def ask(_: int) -> int:
        began.wait()
        return _ask(server, "/")[0]

    with ThreadPoolExecutor(200) as pool:
        assert set(pool.map(ask, range(200))) == {200}


def test_connections_wait_while_none_is_accepted(tmp_path: Path) -> None:
    results = _planned(tmp_path / "results", "small")
    with Server("127.0.0.1", 0, Shelf(results, lambda name: Fake(results, name)), results) as server:
        waiting = [socket.create_connection(("127.0.0.1", server.server_port), timeout=5) for _ in range(200)]
        for connection in waiting:
            connection.close()


def test_the_browser_is_opened_on_request(tmp_path: Path) -> None:
    _planned(tmp_path / "results", "small")
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\necho $1 > {tmp_path}/opened\n")
    browser.chmod(0o755)
    process = _process(tmp_path, "--open", BROWSER=str(browser))
    url = _address(process)
    deadline = time.monotonic() + 240
    while not (tmp_path / "opened").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=120)
    assert (tmp_path / "opened").read_text() == f"{url}\n"
