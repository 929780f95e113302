"""One end of the connection between a worker and its parent, on which only whole and undamaged messages arrive."""

from __future__ import annotations

import pickle
import socket
import struct
import threading
import zlib
from contextlib import suppress
from typing import Any

from ganbench.errors import describe_error

MAGIC = b"gAn1"
HEADER = struct.Struct("!4sIQ")
"""What precedes a message: a mark, the checksum and the length of the content."""
MAX_BYTES = 1 << 30
AT_ONCE = 1 << 20
SEND_TIMEOUT_S = 20.0
"""Seconds after which a worker that takes no message is held to be lost."""


class Garbled(Exception):
    """What has arrived is no message: something else wrote to the connection, or it cannot be decoded here."""


class Channel:
    """Messages are sent whole, also by several threads. The parent never waits for one, a worker does."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self._lock = threading.Lock()
        self._arrived = bytearray()

    @classmethod
    def pair(cls) -> tuple[Channel, socket.socket]:
        """The parent's end, and the other one for a worker."""
        ours, theirs = socket.socketpair()
        ours.settimeout(SEND_TIMEOUT_S)
        return cls(ours), theirs

    def close(self) -> None:
        with suppress(OSError):
            self.socket.close()

    def send(self, message: object) -> None:
        """Raises `OSError` if the other end is gone, or takes nothing."""
        content = pickle.dumps(message)
        with self._lock:
            self.socket.sendall(HEADER.pack(MAGIC, zlib.crc32(content), len(content)) + content)

    def arrived(self) -> tuple[list[Any], Exception | None]:
        """The messages that are there now, and why no more will come: `EOFError`, `OSError` or `Garbled`."""
        end: Exception | None = None
        messages = []
        waits = self.socket.gettimeout()
        try:
            self.socket.setblocking(False)
            some = self.socket.recv(AT_ONCE)
            self._arrived += some
            end = None if some else EOFError()
        except BlockingIOError:
            pass
        except OSError as broken:
            end = broken
        self.socket.settimeout(waits)
        try:
            while (message := self._next()) is not None:
                messages.append(message[0])
        except Garbled as garbled:
            end = garbled
        return messages, end

    def receive(self) -> Any:
        """The next message, for which this waits. Raises `EOFError`, `OSError` and `Garbled`."""
        while (message := self._next()) is None:
            some = self.socket.recv(AT_ONCE)
            if not some:
                raise EOFError
            self._arrived += some
        return message[0]

    def _next(self) -> tuple[Any] | None:
        """The first message of what has arrived, or None if it is not whole yet. Raises `Garbled`."""
        if not MAGIC.startswith(self._arrived[: len(MAGIC)]):
            raise Garbled("something else wrote to its connection")
        if len(self._arrived) < HEADER.size:
            return None
        _, checksum, length = HEADER.unpack_from(self._arrived)
        if length > MAX_BYTES:
            raise Garbled("something else wrote to its connection")
        if len(self._arrived) < HEADER.size + length:
            return None
        content = bytes(self._arrived[HEADER.size : HEADER.size + length])
        if zlib.crc32(content) != checksum:
            raise Garbled("something else wrote to its connection")
        del self._arrived[: HEADER.size + length]
        try:
            return (pickle.loads(content),)
        except Exception as error:  # a message may hold an object of a plugin's own class, which may do anything
            raise Garbled(f"what it sent cannot be read: {describe_error(error)}") from error
