"""A small read-only web server for reports: GET and HEAD, for browsers on this machine unless told otherwise."""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ganbench.errors import GanbenchError, MissingError, UsageError, describe_error, raised_at
from ganbench.report.server.handler import Handler
from ganbench.report.server.reports import Shelf

HERE = ("localhost", "127.0.0.1", "::1")


class Server(ThreadingHTTPServer):
    """Serves a shelf of reports. Raises `MissingError` or `UsageError` where host and port cannot be had."""

    daemon_threads = True

    def __init__(self, host: str, port: int, shelf: Shelf, results: Path) -> None:
        self.host, self.shelf, self.results = host.strip("[]").lower(), shelf, results
        self.complaints: set[str] = set()
        try:
            found = socket.getaddrinfo(self.host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            self.address_family, place = found[0][0], found[0][4]
            super().__init__(place[:2], Handler)  # type: ignore[arg-type]
        except UnicodeError as error:  # a part of the name is longer than names may be
            raise UsageError(f"--host {host!r} is no address of this machine; leave it out for 127.0.0.1") from error
        except OSError as error:
            raise _refused(error, host, port) from error

    def server_bind(self) -> None:
        """Without looking the name up, which may take seconds."""
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

        A page elsewhere whose name is made to lead here (DNS rebinding) sends that name, and is
        refused. An address cannot be made to lead elsewhere.
        """
        name = host.rpartition(":")[0] if host.rpartition("]")[2].count(":") else host
        name = name.strip("[]").lower().rstrip(".")
        if name in HERE or name == self.host:
            return True
        return self.everywhere and (_address(name) is not None or name == socket.gethostname().lower())

    def complain(self, text: str) -> None:
        """Say on stderr what is wrong, each thing once."""
        if text not in self.complaints:
            self.complaints.add(text)
            print(text, file=sys.stderr, flush=True)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):  # a browser that went away is no error
            self.complain(f"a request could not be answered: {describe_error(error)}{raised_at(error)}")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _refused(error: OSError, host: str, port: int) -> GanbenchError:
    """Why a host and port cannot be had, in a sentence."""
    if error.errno == errno.EADDRINUSE:
        return MissingError(f"port {port} of {host} is in use; give another with --port, or --port 0 for any free one")
    if error.errno == errno.EACCES:
        return MissingError(f"port {port} may not be used; give one above 1023, or --port 0 for any free one")
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return UsageError(f"--host {host!r} is no address of this machine; leave it out for 127.0.0.1")
    return MissingError(f"{host}, port {port}: {error.strerror or error}")
