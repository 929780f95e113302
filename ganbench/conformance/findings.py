"""What a check finds: the rule that a plugin breaks, what was seen, and how to fix it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

from ganbench.conformance.wording import rule_of
from ganbench.engine.watch import ImpureError
from ganbench.errors import PLUGIN_ERRORS, ContractError, GanbenchError, MissingError, describe_error, raised_at
from ganbench.registry.choice import Kind

Level = Literal["fault", "slow", "note"]
"""A fault breaks the contract. `slow` is allowed and costs time. A note is worth knowing."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """A rule, what was seen, and what to do."""

    rule: str
    seen: str
    fix: str = ""
    level: Level = "fault"

    def __str__(self) -> str:
        return f"{self.seen}{f'; {self.fix}' if self.fix else ''} [{self.rule}]"


class BrokenRuleError(Exception):
    """Raised inside a plugin's call by what the kit gives to it; carries the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


@dataclasses.dataclass(frozen=True)
class PathTaken:
    """The path that a plugin takes on one kind of samples, how many seeds at a time, and why."""

    where: str
    kind: str
    lanes: int
    reason: str


@dataclasses.dataclass
class Report:
    """What the checks of one plugin found. `kind` and `name` are empty for what concerns a whole source."""

    source: str
    kind: Kind | None = None
    name: str = ""
    findings: list[Finding] = dataclasses.field(default_factory=list)
    paths: list[PathTaken] = dataclasses.field(default_factory=list)
    unchecked: str = ""

    @property
    def faults(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == "fault"]

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}" if self.kind else self.source


class Collector:
    """The findings of one plugin, each once."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def add(self, finding: Finding) -> None:
        if finding not in self.findings:
            self.findings.append(finding)

    def extend(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.add(finding)

    @contextmanager
    def catching(self, what: str) -> Iterator[None]:
        """Turn whatever is raised inside into a finding; `MissingError` is passed on."""
        try:
            yield
        except BrokenRuleError as error:
            self.add(error.finding)
        except (MissingError, ImpureError):
            raise
        except GanbenchError as error:
            self.extend(finding_of(line) for line in str(error).splitlines())
        except PLUGIN_ERRORS as error:  # a third-party plugin may raise anything
            self.add(raised(what, error))


def finding_of(text: str, otherwise: str = "contract") -> Finding:
    """The finding for a sentence of a check that runs make too."""
    return Finding(rule_of(text, otherwise), text)


def raised(what: str, error: BaseException) -> Finding:
    """The finding for an exception that nothing more exact explains."""
    return Finding("raises", f"{what} raised {describe_error(error)}{raised_at(error)}")


def require_none(findings: Iterable[Finding], what: str = "") -> None:
    """Raise `ContractError` with all faults among findings, one a line; `what` names the plugin."""
    faults = [finding for finding in findings if finding.level == "fault"]
    if faults:
        raise ContractError("\n".join(f"{f'{what}: ' if what else ''}{fault}" for fault in faults))
