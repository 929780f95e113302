"""The part of `ganbench doctor` about devices: what there is, and whether ten steps can be trained there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ganbench.engine import devices
from ganbench.errors import describe_error
from ganbench.formatting import counted

if TYPE_CHECKING:
    from ganbench.engine.trial import Trial
    from ganbench.runner.inspection import CardFacts


class Finding(NamedTuple):
    """One line: `ok`, a `note`, or `wrong` with what to do about it."""

    state: str
    text: str
    fix: str = ""


class Devices(NamedTuple):
    """What was found: lines, the GPUs, and the trials of each device that was tried."""

    findings: list[Finding]
    cards: list[CardFacts]
    trials: dict[str, list[Trial]]


def inspected(try_out: bool) -> Devices:
    """The devices of this machine; with `try_out`, ten steps are trained on each."""
    try:
        import torch
        import torchvision
    except Exception as error:
        text = f"torch or torchvision does not import: {error}"
        return Devices([Finding("wrong", text, "reinstall both, versions that belong together")], [], {})
    del torchvision
    from ganbench.runner import inspection

    findings, cards = [Finding("ok", f"CPU with {os.cpu_count()} cores")], []
    missing = devices.missing_compiler()
    if missing:
        findings.append(Finding("note", f"{missing}: long cells run uncompiled, two to three times slower"))
    else:
        findings.append(Finding("ok", "a C++ compiler: long cells are compiled"))
    try:
        cards = inspection.cards()
    except Exception as error:  # a driver that does not work may raise anything
        findings.append(
            Finding("wrong", f"a GPU, and torch cannot use it: {describe_error(error)}", "check its driver")
        )
    names = ["cpu", *(card.device for card in cards), *(["mps"] if torch.backends.mps.is_available() else [])]
    tried = {name: inspection.trials(name) for name in names} if try_out else {}
    findings += _trial_findings("cpu", tried.get("cpu", []), bool(missing))
    for card in cards:
        findings += [Finding("ok", card.text), *_trial_findings(card.device, tried.get(card.device, []), False)]
    if "mps" in names:
        findings += [
            Finding("ok", "mps: an Apple GPU, used with --device mps"),
            *_trial_findings("mps", tried.get("mps", []), True),
        ]
    elif not cards:
        findings.append(Finding("note", "no CUDA GPU: image suites at 32 pixels and more will be slow"))
    return Devices(findings, cards, tried)


def _trial_findings(device: str, tried: list[Trial], uncompiled: bool) -> Iterator[Finding]:
    """A line for each trial of a device. It need not compile if it is `uncompiled`; else that is a note."""
    for one in tried:
        if one.worked:
            lanes = f"{counted(one.lanes, 'seed')} at a time"
            took = f"{one.prepare_seconds:.1f} s to prepare, {one.seconds:.2f} s to train"
            yield Finding("ok", f"{device}: ten steps work, {one.path}, {lanes}; {took}")
        elif one.engine == "compiled":
            if not uncompiled:
                why = one.failure or one.reason
                yield Finding("note", f"{device}: ten compiled steps do not work: {why}", "long cells run uncompiled")
        else:
            fix = "use --device cpu" if device != "cpu" else "reinstall torch, and ganbench of the same version"
            yield Finding("wrong", f"{device}: ten steps cannot be trained: {one.failure}", fix)
