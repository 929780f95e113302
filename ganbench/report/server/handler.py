"""What the server of reports answers to one request."""

from __future__ import annotations

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from ganbench.errors import GanbenchError, describe_error, raised_at
from ganbench.report.server.reports import Page, page
from ganbench.results import live

if TYPE_CHECKING:
    from ganbench.report.server.http import Server

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
"""For an SVG that is opened by itself: its own styles, and no script."""
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
            self._send(HTTPStatus.FORBIDDEN, _text(f"this server is {self.server.url}, by no other name"))
            return
        path = plain(self.path)
        if path == "live.json":
            state = live.read(self.server.results) or {"state": "none"}
            self._send(HTTPStatus.OK, page(json.dumps(state).encode(), "application/json"))
            return
        try:
            found = None if path is None else self._found(path)
        except Exception as error:  # a damaged record, or a file that is being replaced, must not end the server
            text = str(error) if isinstance(error, GanbenchError) else f"{describe_error(error)}{raised_at(error)}"
            self.server.complain(f"{(path or '')[:200]!r} could not be made: {text}")
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, _text(f"this page could not be made: {text}"))
            return
        if found is None:
            self._send(HTTPStatus.NOT_FOUND, _text("there is no such page; the overview is /"))
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
        """What the standard library refuses, in this server's manner; an unknown method is not allowed."""
        self.close_connection = True
        if code == HTTPStatus.NOT_IMPLEMENTED:
            text = _text("this server is read-only: GET and HEAD")
            self._send(HTTPStatus.METHOD_NOT_ALLOWED, text, {"Allow": "GET, HEAD"})
        else:
            self._send(HTTPStatus(code), _text(HTTPStatus(code).phrase))

    def version_string(self) -> str:
        return "ganbench"

    def log_message(self, format: str, *args: Any) -> None:
        return


def plain(path: str) -> str | None:
    """A request's path as the report names it, or None for what no report can name."""
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
