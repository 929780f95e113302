"""A small read-only web server for reports: GET and HEAD, by default only for this machine."""

from __future__ import annotations

import errno
import ipaddress
import json
import socket
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from ganbench.errors import GanbenchError, MissingError, UsageError, describe_error, in_words, raised_at
from ganbench.report.server.reports import Page, Shelf, page
from ganbench.results import live

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
"""For an SVG that is opened by itself: its own styles, but no scripts."""
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
TEXT = "text/plain; charset=utf-8"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    timeout = 30

    def do_GET(self) -> None:
        hosts = self.headers.get_all("Host") or [""]
        if len(hosts) != 1 or not self.server.answers_to(hosts[0]):
            self._send(HTTPStatus.FORBIDDEN, _text(f"this server answers only requests for {self.server.url}"))
            return
        path = report_path(self.path)
        if path == "live.json":
            state = live.read(self.server.results) or {"state": "none"}
            self._send(HTTPStatus.OK, page(json.dumps(state).encode(), "application/json"))
            return
        try:
            found = None if path is None else self._found(path)
        except Exception as error:  # a damaged record or a file that is being replaced must not stop the server
            text = in_words(error)
            self.server.complain(f"{(path or '')[:200]!r} cannot be rendered: {text}")
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, _text(f"this page cannot be rendered: {text}"))
            return
        if found is None:
            self._send(HTTPStatus.NOT_FOUND, _text("page not found; the overview is at /"))
        elif isinstance(found, str):
            self._send(HTTPStatus.MOVED_PERMANENTLY, _text(found), {"Location": found})
        else:
            self._send(HTTPStatus.NOT_MODIFIED if self._known(found.tag) else HTTPStatus.OK, found)

    do_HEAD = do_GET

    def _found(self, path: str) -> Page | str | None:
        """The page of a path; for a folder without its slash, the address with it."""
        found = self.server.shelf.find(path)
        if found is None and path and self.server.shelf.find(f"{path}/index.html") is not None:
            return f"/{quote(path)}/"
        return found

    def _known(self, tag: str) -> bool:
        known = [one.strip().removeprefix("W/") for one in self.headers.get("If-None-Match", "").split(",")]
        return f'"{tag}"' in known

    def _send(self, status: HTTPStatus, found: Page, more: dict[str, str] | None = None) -> None:
        empty = status == HTTPStatus.NOT_MODIFIED
        self.send_response(status)
        policy = PICTURE_POLICY if found.kind.startswith("image/svg") else POLICY
        headers = {**HEADERS, "Content-Security-Policy": policy, "ETag": f'"{found.tag}"', **(more or {})}
        if not empty:
            headers |= {"Content-Type": found.kind, "Content-Length": str(len(found.content))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and not empty:
            self.wfile.write(found.content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """The standard library's errors, in this server's format; an unknown method is not allowed."""
        self.close_connection = True
        if code == HTTPStatus.NOT_IMPLEMENTED:
            text = _text("this server is read-only; use GET or HEAD")
            self._send(HTTPStatus.METHOD_NOT_ALLOWED, text, {"Allow": "GET, HEAD"})
        else:
            self._send(HTTPStatus(code), _text(HTTPStatus(code).phrase))

    def version_string(self) -> str:
        return "ganbench"

    def log_message(self, format: str, *args: object) -> None:
        return


def report_path(path: str) -> str | None:
    """A request's path as a path of the report, or None if it cannot be one."""
    raw = path.partition("?")[0].partition("#")[0]
    try:
        text = unquote(raw, errors="strict")
    except UnicodeDecodeError:
        return None
    if not text.startswith("/") or "\\" in text or not (text == "/" or text.isprintable()):
        return None
    *folders, last = text[1:].split("/")
    if any(part in ("", ".", "..") for part in folders) or last in (".", ".."):
        return None
    return "/".join([*folders, last or "index.html"])


def _text(text: str) -> Page:
    return page(f"{text}\n".encode(), TEXT)


HERE = ("localhost", "127.0.0.1", "::1")


class Server(ThreadingHTTPServer):
    """Serves reports. Raises `MissingError` or `UsageError` if it cannot listen on host and port."""

    daemon_threads = True
    request_queue_size = 512
    """Connections that may wait to be accepted: a page asks for many pictures at once, and many may read it."""

    def __init__(self, host: str, port: int, shelf: Shelf, results: Path) -> None:
        self.host, self.shelf, self.results = host.strip("[]").lower(), shelf, results
        self.complaints: set[str] = set()
        try:
            found = socket.getaddrinfo(self.host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            self.address_family, place = found[0][0], found[0][4]
            super().__init__(place[:2], Handler)  # type: ignore[arg-type]
        except UnicodeError as error:  # a part of the name is longer than names may be
            raise UsageError(f"--host {host!r} is not an address of this machine; omit it to use 127.0.0.1") from error
        except OSError as error:
            raise _refused(error, host, port) from error

    def server_bind(self) -> None:
        """Bind without a name lookup, which may take seconds."""
        place: Any = self.server_address
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(place)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.host, self.server_address[1]

    @property
    def everywhere(self) -> bool:
        """Whether it listens on every address of this machine."""
        return self.host in ("0.0.0.0", "::")

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        address = _address(self.host)
        return self.host == "localhost" or (address is not None and address.is_loopback)

    @property
    def url(self) -> str:
        host = "localhost" if self.everywhere else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}/"

    def answers_to(self, host: str) -> bool:
        """Whether a request's Host header names this server.

        A website whose name is made to resolve to this machine (DNS rebinding) sends its own name and
        is refused. An IP address cannot be rebound.
        """
        name = host.rpartition(":")[0] if host.rpartition("]")[2].count(":") else host
        name = name.strip("[]").lower().rstrip(".")
        if name in HERE or name == self.host:
            return True
        return self.everywhere and (_address(name) is not None or name == socket.gethostname().lower())

    def complain(self, text: str) -> None:
        """Print a problem on stderr, each one once."""
        if text not in self.complaints:
            self.complaints.add(text)
            print(text, file=sys.stderr, flush=True)

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):  # a browser that disconnects is not an error
            self.complain(f"a request failed: {describe_error(error)}{raised_at(error)}")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _refused(error: OSError, host: str, port: int) -> GanbenchError:
    """Why the server cannot listen on a host and port."""
    if error.errno == errno.EADDRINUSE:
        return MissingError(
            f"port {port} of {host} is in use; choose another with --port, or --port 0 for any free one"
        )
    if error.errno == errno.EACCES:
        return MissingError(f"port {port} needs privileges; choose one above 1023, or --port 0 for any free one")
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return UsageError(f"--host {host!r} is not an address of this machine; omit it to use 127.0.0.1")
    return MissingError(f"{host}, port {port}: {error.strerror or error}")
