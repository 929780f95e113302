"""What a check finds: the rule that a plugin breaks, what was seen, and how to mend it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Literal

from ganbench.errors import ContractError

Level = Literal["fault", "slow"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """A broken rule, what was seen, and what to do. A `slow` one is allowed, but costs time."""

    rule: str
    seen: str
    fix: str = ""
    level: Level = "fault"

    def __str__(self) -> str:
        return f"{self.seen}{f'; {self.fix}' if self.fix else ''} [{self.rule}]"


def require_none(findings: Iterable[Finding], what: str = "") -> None:
    """Raise `ContractError` with all faults among findings, one a line; `what` names the plugin."""
    faults = [finding for finding in findings if finding.level == "fault"]
    if faults:
        raise ContractError("\n".join(f"{f'{what}: ' if what else ''}{fault}" for fault in faults))
