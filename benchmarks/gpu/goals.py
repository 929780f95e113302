"""The goals for one large GPU, and whether a measurement meets them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NOT_MEASURED = "not measured on a GPU"
Parts = Mapping[str, Any]
"""The measured parts by name: `kernels`, `commands`, `evaluation`."""


@dataclass(frozen=True)
class Goal:
    """A figure to be reached: at least `goal`, or at most if `below`; `found` reads it from the parts."""

    what: str
    goal: float
    found: Callable[[Parts], float | None]
    below: bool = False
    form: str = "{:,.0f}"

    def row(self, parts: Parts) -> dict[str, str]:
        found = self.found(parts)
        if found is None:
            state = NOT_MEASURED
        else:
            state = "met" if (found <= self.goal if self.below else found >= self.goal) else "missed"
        sign = "<=" if self.below else ">="
        shown = "" if found is None else self.form.format(found)
        return {"what": self.what, "goal": f"{sign} {self.form.format(self.goal)}", "found": shown, "state": state}


def _sides(parts: Parts, title: str = "") -> Iterator[Mapping[str, Any]]:
    for case in (parts.get("kernels") or {}).get("cases", ()):
        if title in ("", case["case"]):
            yield from case["sides"]


def _rate(title: str, seeds: int, deterministic: bool = True) -> Callable[[Parts], float | None]:
    """The best rate of a run with so many seeds; a rate with equal bits counts only if the bits were equal."""

    def found(parts: Parts) -> float | None:
        sides = [one for one in _sides(parts, title) if one["seeds"] == seeds]
        sides = [one for one in sides if one["deterministic"] == deterministic]
        equal = [one for one in sides if not deterministic or all((one["bits"] or {"": False}).values())]
        return max((one["run"] for one in equal), default=0.0 if sides else None)

    return found


def _worst_ratio(parts: Parts) -> float | None:
    return min((one["ratio"] for one in _sides(parts)), default=None)


def _unequal(parts: Parts) -> float | None:
    """How many deterministic ways of training do not repeat their bits."""
    sides = [one for one in _sides(parts) if one["deterministic"]]
    return sum(not all((one["bits"] or {"": False}).values()) for one in sides) if sides else None


def _seconds(suite: str) -> Callable[[Parts], float | None]:
    def found(parts: Parts) -> float | None:
        runs = (parts.get("commands") or {}).get("runs", ())
        return next((one["seconds"] for one in runs if (one["suite"], one["kind"]) == (suite, "cold")), None)

    return found


def _evaluation(parts: Parts) -> float | None:
    rows = (parts.get("evaluation") or {}).get("rows", ())
    return next((row["seconds"]["first"] for row in rows if "Inception" in row["title"]), None)


def _losses(prefix: str) -> Callable[[Parts], float | None]:
    def found(parts: Parts) -> float | None:
        cases = (parts.get("kernels") or {}).get("cases", ())
        gaps = [one.get("loss_difference") for one in cases if one["case"].startswith(prefix)]
        return max((gap for gap in gaps if gap is not None), default=None)

    return found


GOALS = (
    Goal("run / pure, worst case", 0.9, _worst_ratio, form="{:.2f}"),
    Goal("2-D recipe, 64 seeds, seed-steps/s", 120_000, _rate("2-D recipe", 64)),
    Goal("2-D recipe, 256 seeds, seed-steps/s", 280_000, _rate("2-D recipe", 256)),
    Goal("digits DCGAN, 16 seeds, fp32, equal bits", 6_000, _rate("digits DCGAN w16", 16)),
    Goal(
        "digits DCGAN, 16 seeds, fp32, without equal bits", 10_000, _rate("digits DCGAN w16", 16, deterministic=False)
    ),
    Goal("DCGAN w64 3x32x32, 8 seeds, equal bits, fp32", 450, _rate("DCGAN w64, fp32", 8)),
    Goal("the same, tf32", 1_650, _rate("DCGAN w64, tf32", 8)),
    Goal("the same with R1+R2, tf32", 720, _rate("DCGAN w64, tf32, R1+R2", 8)),
    Goal("quick suite, cold, s", 25, _seconds("quick"), below=True),
    Goal("baseline, cold, s", 60, _seconds("baseline"), below=True),
    Goal("Fashion-like campaign, cold, s", 75, _seconds("fashion"), below=True),
    Goal("five metrics of 10,000 Inception images, real side included, s", 5, _evaluation, True, "{:.1f}"),
    Goal("ways of training whose bits differ in a rerun or alone", 0, _unequal, below=True),
    Goal("first ten losses against the CPU, 2-D", 1.5e-7, _losses("2-D"), True, "{:.1e}"),
    Goal("the same, digits MLP", 3.5e-5, _losses("digits MLP"), True, "{:.1e}"),
    Goal("the same, DCGAN", 3.5e-3, _losses("DCGAN w64, fp32"), True, "{:.1e}"),
)


def rows(parts: Parts) -> list[dict[str, str]]:
    """Every goal with the figure that was found and whether it is met."""
    return [goal.row(parts) for goal in GOALS]
