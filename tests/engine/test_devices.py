"""Which devices a name means, what an exception says about one, and the trial of ten steps."""

from __future__ import annotations

import errno

import pytest
import torch

from ganbench.engine import devices
from ganbench.engine.device_errors import check_usable, memory_needed, trouble
from ganbench.engine.trial import trial
from ganbench.errors import ContractError, MissingError, UsageError


def _machine(monkeypatch: pytest.MonkeyPatch, cards: int = 0, mps: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cards > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cards)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("asked", "cards", "found"),
    [
        ("auto", 0, ["cpu"]),
        ("cpu", 3, ["cpu"]),
        ("auto", 1, ["cuda:0"]),
        ("auto", 3, ["cuda:0", "cuda:1", "cuda:2"]),
        ("cuda", 2, ["cuda:0", "cuda:1"]),
        ("cuda:1", 2, ["cuda:1"]),
        ("cuda:2,0", 3, ["cuda:2", "cuda:0"]),
        ("cuda:0, cuda:2", 3, ["cuda:0", "cuda:2"]),
    ],
)
def test_a_name_means_every_card_that_it_covers(
    monkeypatch: pytest.MonkeyPatch, asked: str, cards: int, found: list[str]
) -> None:
    _machine(monkeypatch, cards)
    assert devices.resolve(asked) == tuple(found)


def test_an_apple_gpu_is_used_only_if_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _machine(monkeypatch, mps=True)
    assert devices.resolve("mps") == ("mps",)
    assert devices.resolve("auto") == ("cpu",)


@pytest.mark.parametrize(
    "asked",
    ["gpu", "cuda:", "cuda:x", "cuda:-1", "0,1", "cpu,cuda:0", "cuda,cuda:1", "mps:0", "cuda:0,0", "cuda:0,mps", ""],
)
def test_what_is_no_device_is_refused(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    _machine(monkeypatch, 2)
    with pytest.raises(UsageError, match="device"):
        devices.resolve(asked)


@pytest.mark.parametrize(
    ("asked", "cards", "said"),
    [("cuda", 0, "no such GPU"), ("cuda:0", 0, "no such GPU"), ("mps", 1, "no Apple GPU"),
     ("cuda:3", 1, "no cuda:3, only cuda:0"), ("cuda:0,3", 2, "no cuda:3, 2 GPUs, cuda:0 to cuda:1")],
)  # fmt: skip
def test_a_device_that_is_not_there_is_missing(
    monkeypatch: pytest.MonkeyPatch, asked: str, cards: int, said: str
) -> None:
    _machine(monkeypatch, cards)
    with pytest.raises(MissingError, match=said):
        devices.resolve(asked)


def test_work_for_one_device_takes_the_first_card_and_refuses_several(monkeypatch: pytest.MonkeyPatch) -> None:
    _machine(monkeypatch, 2)
    assert devices.resolve_one("auto") == devices.resolve_one("cuda") == "cuda:0"
    assert devices.resolve_one("cuda:1") == "cuda:1"
    with pytest.raises(UsageError, match="this command uses one device"):
        devices.resolve_one("cuda:0,1")


# the messages are torch's own
FULL = (
    "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 79.10 GiB of which 1.19 GiB is "
    "free. Process 7 has 77.90 GiB memory in use."
)
NO_ANSWER = "CUDA error: unspecified launch failure\nCUDA kernel errors might be asynchronously reported"


def _caused(error: Exception) -> Exception:
    outer = ContractError("the step failed")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError(FULL), "memory"),
        (_caused(torch.OutOfMemoryError(FULL)), "memory"),
        (RuntimeError("CUDA error: out of memory"), "memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "memory"),
        (RuntimeError("MPS backend out of memory (MPS allocated: 5 GB)"), "memory"),
        (torch.AcceleratorError(NO_ANSWER), "lost"),
        (RuntimeError("CUDA error: uncorrectable ECC error encountered"), "lost"),
        (RuntimeError("CUDA error: device-side assert triggered"), "broken"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "memory"),
        (MemoryError("Unable to allocate 1.00 TiB for an array"), "memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory"),
        (_caused(OSError(errno.ENOSPC, "No space left on device")), "system"),
        (TimeoutError("timed out"), "system"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), ""),
        (RuntimeError("shapes cannot be multiplied"), ""),
        (ValueError("CUDA error: out of memory"), ""),
    ],
)
def test_an_exception_says_what_is_wrong_with_the_device(error: Exception, expected: str) -> None:
    assert trouble(error) == expected


def test_the_memory_that_was_missing_is_known_if_torch_says_it() -> None:
    assert (
        memory_needed(torch.OutOfMemoryError(FULL)) == "2.50 GiB more were needed, 1.19 GiB of its 79.10 GiB were free"
    )
    assert memory_needed(torch.OutOfMemoryError("full")) == ""
    assert memory_needed(MemoryError("Unable to allocate 1.00 TiB for an array")) == "1.00 TiB more were needed"
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 58, dtype=torch.uint8)
    assert memory_needed(raised.value) == "268,435,456.00 GiB more were needed"


def test_a_device_that_answers_is_usable() -> None:
    check_usable(torch.device("cpu"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_device_that_is_gone_is_not() -> None:
    with pytest.raises((RuntimeError, AssertionError)):
        check_usable(torch.device("cuda"))


def test_ten_steps_say_which_path_they_took() -> None:
    found = trial("cpu", "auto")
    assert found.worked
    assert (found.path, found.failure) == ("stacked", "")
    assert found.seconds > 0
    assert found.lanes > 1


def test_a_trial_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    found = trial("cpu", "compiled")
    assert not found.worked
    assert "no C++ compiler found (no-such-compiler)" in found.failure
