"""Features of many samples, batch by batch, on the device that they are computed on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ganbench.errors import GanbenchError
from ganbench.evaluation.placement import CPU, fits, full_precision
from ganbench.registry.contracts import Features, floats

Extract = Callable[[Tensor], Features]
BUFFERS = 2
"""Batches in page-locked memory: one is filled while the other is copied to the GPU."""


class NotFinite(GanbenchError):
    """Samples or features contain NaN or infinity, so no score can be computed from them."""


def features_of(extract: Extract, samples: Tensor, size: int, device: torch.device, home: torch.device) -> Features:
    """Features of samples (N, *shape), floats or bytes, `size` samples at a time, at `home` if they fit there.

    A batch that does not fit a GPU's memory is halved until it does. Raises `NotFinite`.
    """
    done, parts, place, checks = 0, list[Features](), home, _Checks()
    with torch.no_grad(), full_precision():
        while done < len(samples) or not parts:
            try:
                for part in batches(samples[done:], size, device):
                    found = extract(floats(checks.samples(part)))
                    checks.features(found.features)
                    if not parts:
                        place = home if fits(2 * _bytes(found) * len(samples) // max(1, len(part)), home) else CPU
                    parts.append(Features(*(None if one is None else one.to(place) for one in found)))  # type: ignore[arg-type]
                    done += len(part)
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
                size = (size + 1) // 2
                torch.cuda.empty_cache()
    checks.finish()
    columns = [None if column[0] is None else torch.cat(column) for column in zip(*parts, strict=True)]
    return Features(*columns)  # type: ignore[arg-type]


def batches(samples: Tensor, size: int, device: torch.device) -> Iterator[Tensor]:
    """Samples (N, *shape) as they are stored, batch by batch on a device.

    On the way to a GPU they pass through page-locked memory, so that a batch is copied while the last one is used.
    """
    parts = torch.split(samples, size)
    buffers = _page_locked(parts[0]) if device.type == "cuda" and samples.device.type == "cpu" else []
    copied: list[torch.cuda.Event | None] = [None] * len(buffers)
    for index, part in enumerate(parts):
        if not buffers:
            yield part.to(device)
            continue
        slot = index % len(buffers)
        before = copied[slot]
        if before is not None:
            before.synchronize()
        there = buffers[slot][: len(part)].copy_(part).to(device, non_blocking=True)
        event = copied[slot] = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(device))
        yield there


def _page_locked(part: Tensor) -> list[Tensor]:
    """Buffers for parts as large as this one; none if the system gives no such memory."""
    try:
        return [torch.empty(part.shape, dtype=part.dtype, pin_memory=True) for _ in range(BUFFERS)]
    except RuntimeError:
        return []


class _Checks:
    """Whether samples and features are finite: at once on a CPU, and elsewhere at the end, so that no batch waits."""

    def __init__(self) -> None:
        self.pending: dict[str, list[Tensor]] = {"samples": [], "features": []}

    def samples(self, part: Tensor) -> Tensor:
        """The samples; elsewhere than on a CPU with zeros for what is not finite, which no extractor need handle."""
        if not part.is_floating_point():
            return part
        self._check("samples", part)
        return part if part.device.type == "cpu" else part.nan_to_num(0, 0, 0)

    def features(self, found: Tensor) -> None:
        self._check("features", found)

    def _check(self, what: str, tensor: Tensor) -> None:
        self.pending[what].append(tensor.isfinite().all())
        if tensor.device.type == "cpu":
            self.finish()

    def finish(self) -> None:
        """Raise `NotFinite` if anything was not."""
        for what, flags in self.pending.items():
            if flags and not torch.stack(flags).all():
                raise NotFinite(f"the {what} are not finite")
            flags.clear()


def _bytes(found: Features) -> int:
    return sum(one.nbytes for one in found if one is not None)
