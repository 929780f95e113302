"""Repeats work that always reads and writes the same memory: by calling it, or as a recorded CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch

Work = Callable[[], None]
"""Work that reads its input from fixed tensors and leaves its result in fixed tensors."""
WARM_UPS = 2
"""Calls before a recording: the first ones load kernels, make the libraries' workspaces and choose algorithms."""


class Recorder(Protocol):
    """How work on fixed memory is repeated."""

    def record(self, body: Work) -> Work:
        """The body as it is to be repeated; the body may be called for this. Raises what the body raises."""

    def fork(self, bodies: Sequence[Work]) -> Work:
        """Work that does all of the bodies, which share no memory that one of them writes, in any order or at once."""


class Loop:
    """Calls the body, and one body after the other: the form of every device that records nothing."""

    def record(self, body: Work) -> Work:
        return body

    def fork(self, bodies: Sequence[Work]) -> Work:
        def all_bodies() -> None:
            for body in bodies:
                body()

        return all_bodies


class CudaGraphs:
    """Records a body as a CUDA graph, one launch for all its kernels; bodies that are forked run on their own streams.

    The graphs share one memory pool, so what a graph computes holds until another one is replayed.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.streams: list[torch.cuda.Stream] = []
        self.pool = torch.cuda.graph_pool_handle()

    def record(self, body: Work) -> Work:
        with torch.cuda.device(self.device):
            side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(WARM_UPS):
                    body()
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self.pool):
                body()

        def replay() -> None:
            with torch.cuda.device(self.device):
                graph.replay()

        return replay

    def fork(self, bodies: Sequence[Work]) -> Work:
        with torch.cuda.device(self.device):
            missing = len(bodies) - len(self.streams)
            self.streams += [torch.cuda.Stream() for _ in range(missing)]  # type: ignore[no-untyped-call]
        streams = self.streams[: len(bodies)]

        def all_bodies() -> None:
            current = torch.cuda.current_stream(self.device)
            for stream, body in zip(streams, bodies, strict=True):
                stream.wait_stream(current)
                with torch.cuda.stream(stream):
                    body()
            for stream in streams:
                current.wait_stream(stream)

        return all_bodies if len(bodies) > 1 else bodies[0]
