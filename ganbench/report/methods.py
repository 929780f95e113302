"""A suite's methods section: how its numbers were made, in paragraphs written from its records alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from ganbench import formatting
from ganbench.analysis import notes
from ganbench.analysis.score_table import Table, reference_title
from ganbench.registry.choice import Choice
from ganbench.report.text.escape import escape_markdown
from ganbench.results import protocol as cards
from ganbench.results.records import Provenance, Record
from ganbench.statistics.differences import MIN_SEEDS
from ganbench.statistics.significance import ALPHA
from ganbench.suite.labels import variant_title
from ganbench.suite.plan_file import SavedPlan
from ganbench.suite.specs import RunSpec

PLAYER = {
    "optimizer": "optimizer", "betas": "betas", "lr": "learning rate", "clip": "clipped norm of the gradient",
    "weight_decay": "weight decay", "lookahead": "lookahead",
}  # fmt: skip
TRAIN = {
    "steps": "generator steps", "batch": "batch size", "n_dis": "updates of D per update of G",
    **{f"{player}.{key}": f"{title} of {player.upper()}" for key, title in PLAYER.items() for player in ("d", "g")},
    "ema": "EMA of G", "ema_half_life": "half-life of the EMA of G (images)",
    "precision": "precision", "engine": "engine", "deterministic": "deterministic algorithms",
}  # fmt: skip
UNSAID = {"clip": 0.0, "weight_decay": 0.0, "lookahead": (5, 0.5), "ema_half_life": None, "deterministic": True}
"""Settings that are named only where one variant has another value."""


def protocol(plan: SavedPlan, tables: list[Table], records: Mapping[str, Record | None]) -> str:
    """How a suite was trained, evaluated and compared, and on which machines, as Markdown.

    `records` are the suite's runs by id; a missing one counts as not run. Settings that differ are
    listed with the variants that each applies to.
    """
    cells = [
        Cell(*row.texts, tuple(row.runs), tuple(filter(None, map(records.get, ids))))
        for row in plan.rows
        for ids in [row.runs.values()]
    ]
    run = [cell for cell in cells if cell.records]
    if not run:
        return f"No run of the suite {escape_markdown(plan.suite)} has a record yet.\n"
    parts = (_trained(cells, run, plan), _measured(tables, plan), _compared(tables), _made(cells, run))
    return "\n\n".join(part for part in parts if part) + "\n"


def _trained(cells: list[Cell], run: list[Cell], plan: SavedPlan) -> str:
    axes = [
        f"the {noun}{'' if len(names) == 1 else plural} {listed(names)}"
        for noun, plural, names in (
            ("loss", "es", dict.fromkeys(cell.called for cell in cells)),
            ("architecture", "s", dict.fromkeys(cell.architecture for cell in cells)),
            ("dataset", "s", dict.fromkeys(cell.dataset for cell in cells)),
        )
    ]
    lost = f" ({len(plan.skipped)} more not applicable)" if plan.skipped else ""
    count = formatting.counted(len(cells), "combination")
    seeds = by_variant(cells, lambda cell: formatting.ranges(list(cell.seeds)))
    settings = [f"{title} {by_variant(run, partial(_setting, key))}" for key, title in _titles(run).items()]
    return (
        f"Training: {axes[0]} with {axes[1]} on {axes[2]}, {count}{lost}; seeds {seeds}. Play: "
        f"{by_variant(run, _play)}. Settings: "
        f"{'; '.join(settings)}.{_hyperparameters(run)}"
    )


def _titles(cells: list[Cell]) -> dict[str, str]:
    """The settings worth a word with their titles; both players' in one where they are the same for every variant."""
    flat = [cell.spec.train.flat() for cell in cells]
    found = {}
    for key, title in TRAIN.items():
        player, _, name = key.rpartition(".")
        same = player and all(one[f"d.{name}"] == one[f"g.{name}"] for one in flat)
        said = (name or key) not in UNSAID or any(one[key] != UNSAID[name or key] for one in flat)
        if key == "ema" and all(one["ema_half_life"] is not None for one in flat):
            continue
        if said and not (same and player == "g"):
            found[key] = PLAYER[name] if same else title
    return found


def _play(cell: Cell) -> str:
    """Who moves when, and on which batches."""
    train = cell.spec.train
    turns = {"alternating": "updates of D and G alternate", "simultaneous": "D and G are updated at once"}
    ahead = f"updates of D and G alternate, G against the D that {train.unrolled} more updates would lead to"
    own = "each uses a new real and a new fake batch"
    last = "each uses a new fake batch, D's also a new real one, which G's uses again"
    return f"{turns.get(train.play, ahead)}, and {own if train.fresh_real else last}"


def _setting(key: str, cell: Cell) -> str:
    return setting_text(cell.spec.train.flat()[key])


def _hyperparameters(cells: list[Cell]) -> str:
    """Every plugin's hyperparameters, with the variants they apply to if they differ."""
    found = []
    plugins = dict.fromkeys((kind, one.name) for cell in cells for kind, one in cell.spec.trained_by())
    for kind, name in plugins:
        own = [(cell, one) for cell in cells for one in _chosen(cell, kind, name)]
        if any(one.params for _, one in own):
            params = {id(cell): params_text(one.params) for cell, one in own}
            text = by_variant([cell for cell, _ in own], lambda cell, params=params: params[id(cell)])  # type: ignore[misc]
            found.append(f"{escape_markdown(name)}: {text}")
    return f" Hyperparameters: {'; '.join(found)}." if found else ""


def _chosen(cell: Cell, kind: str, name: str) -> list[Choice]:
    """A cell's plugin of a kind and name, once; none if it has none."""
    return [one for own, one in cell.spec.trained_by() if (own, one.name) == (kind, name)][:1]


def _measured(tables: list[Table], plan: SavedPlan) -> str:
    """Every protocol card in words, with the scores and datasets that it applies to."""
    found: dict[str, dict[str, list[str]]] = {}
    metrics: dict[str, dict[str, None]] = {}
    for table in tables:
        for name in table.columns:
            card = next((row.scores[name].protocol for row in table.variants if row.scores[name].values), None)
            if card is not None:
                text = cards.sentence(replace(card, seeds=None))
                found.setdefault(text, {}).setdefault(table.dataset, []).append(name)
                metrics.setdefault(text, {})[cards.shown(card.metric)] = None
    parts = []
    for text, by_dataset in found.items():
        same: dict[tuple[str, ...], list[str]] = {}
        for dataset, names in by_dataset.items():
            same.setdefault(tuple(names), []).append(dataset)
        whose = "; ".join(f"{listed(names)} on {listed(datasets)}" for names, datasets in same.items())
        parts.append(f"{whose}: {escape_markdown(text)} (metrics {', '.join(map(escape_markdown, metrics[text]))}).")
    beside = dict.fromkeys(reference_title(one) for one in plan.references if not one.external)
    references = f" References, evaluated in the same way: {listed(beside)}." if beside else ""
    elsewhere = dict.fromkeys(escape_markdown(one.reference) for one in plan.references if one.external)
    if elsewhere:
        references += f" Samples made elsewhere, evaluated in the same way: {listed(elsewhere)}."
    return f"Evaluation: {' '.join(parts)}{references}" if parts else ""


def _compared(tables: list[Table]) -> str:
    """How the variants are compared, as the suite fixes it."""
    scores = {name: score for table in tables for row in table.variants for name, score in row.scores.items()}
    logs = [name for name, score in scores.items() if score.logs]
    on_logs = f" (geometric means with intervals of logarithms for {listed(logs)})" if logs else ""
    found = (
        f"Comparison: means over seeds with 95 % intervals (Student's t){on_logs}; counts with their range; fewer than "
        f"{MIN_SEEDS} seeds with their range alone."
    )
    family = next((table.family for table in tables if table.family and table.comparisons), None)
    if family is None:
        return found
    by_score: dict[str, list[str]] = {}
    for table in tables:
        if table.comparisons:
            by_score.setdefault(table.primary, []).append(table.dataset)
    primary = "; ".join(f"{escape_markdown(score)} on {listed(datasets)}" for score, datasets in by_score.items())
    reference = " x ".join(family.reference.values())
    pairs = f"each variant with {escape_markdown(reference)}" if reference else "all pairs of variants"
    approximated = f" ({notes.SADDLEPOINT})" if any(map(notes.by_saddlepoint, tables)) else ""
    t_test = "Student's t paired by seed" if family.settings.paired else "Welch's t"
    return (
        f"{found} Tested: {primary}; {pairs}, {family.m} comparisons as one family (Bonferroni, p x {family.m} < "
        f"{f'{ALPHA:g}'.lstrip('0')}, intervals of differences at {100 * family.level:.4g} %), at least {MIN_SEEDS} "
        f"seeds per variant. Tests: {t_test}; for counts, and where a seed failed, exact permutation of ranks"
        f"{approximated}, failed seeds as the worst.{_margins(family.settings.margins)} All other scores "
        "are exploratory."
    )


def _margins(margins: Mapping[str, float]) -> str:
    texts = [f"{escape_markdown(name)} {value:g}" for name, value in margins.items()]
    return f" Variants are called equal within these margins: {', '.join(texts)}." if texts else ""


def _made(cells: list[Cell], run: list[Cell]) -> str:
    """How many runs finished, on which execution path, and on which machines."""
    records = [record for cell in run for record in cell.records]
    total = sum(len(cell.seeds) for cell in cells)
    states = Counter(record.status for record in records)
    bad = [f"{states[status]} {status}" for status in states if status != "ok"]
    bad += [f"{total - len(records)} not run"] if total > len(records) else []
    lost = f" ({', '.join(bad)}; all are counted in the tables)" if bad else ""
    known = [cell for cell in run if any(record.provenance.path for record in cell.records)]
    path = f" Execution path: {by_variant(known, _path)}." if known else ""
    machines = Counter(_machine(record.provenance) for record in records if record.provenance.python)
    where_run = "; ".join(f"{n} runs on {text}" if len(machines) > 1 else text for text, n in machines.items())
    return f"Runs: {states['ok']} of {total} finished{lost}.{path}{f' Machine: {where_run}.' if where_run else ''}"


def _machine(one: Provenance) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in one.libraries.items())
    text = (
        f"{one.processor}, {one.cores} cores, {one.platform} (device {one.device}, threads "
        f"per worker {one.threads}); Python {one.python}, {libraries}; protocol {one.protocol}, "
        f"revision {one.revision or 'unknown'}"
    )
    return escape_markdown(text)


def _path(cell: Cell) -> str:
    found = [record.provenance for record in cell.records if record.provenance.path]
    ways = dict.fromkeys(f"{one.path}, {one.lanes} seed{'s' * (one.lanes != 1)} per stack" for one in found)
    return " or ".join(ways)


@dataclass(frozen=True)
class Cell:
    """One variant on one dataset: its labels, and the records of its runs."""

    loss: str
    architecture: str
    dataset: str
    seeds: tuple[int, ...]
    records: tuple[Record, ...]

    @property
    def called(self) -> str:
        """The loss by its label, with what it consists of if the label does not say so."""
        whole = self.records[0].spec.variant_name if self.records else self.loss
        return self.loss if re.sub(r"\([^)]*\)", "", self.loss) == whole else f"{self.loss} ({whole})"

    @property
    def spec(self) -> RunSpec:
        """The spec of its runs, which differ only in the seed."""
        return self.records[0].spec


def by_variant(cells: list[Cell], value: Callable[[Cell], str]) -> str:
    """A value, or all values with the variants they apply to: `3,000 (ring8), 6,000 (grid25)`."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(value(cell), []).append(cell)
    if len(groups) == 1:
        return escape_markdown(next(iter(groups)))
    return ", ".join(f"{escape_markdown(text)} ({_where(group, cells)})" for text, group in groups.items())


def _where(group: list[Cell], cells: list[Cell]) -> str:
    """The shortest true name for some of the cells: datasets, architectures, losses, or single variants."""
    for axis in ("dataset", "architecture", "loss"):
        names = _whole(axis, group, cells)
        if sum(getattr(cell, axis) in names for cell in cells) == len(group):
            return listed(names)
    parts = []
    for dataset in dict.fromkeys(cell.dataset for cell in group):
        ours, here = ([cell for cell in some if cell.dataset == dataset] for some in (group, cells))
        some = "" if len(ours) == len(here) else f"{_variants(ours, here)} on "
        parts.append(some + escape_markdown(dataset))
    return ", ".join(parts)


def _variants(group: list[Cell], cells: list[Cell]) -> str:
    """Some variants of one dataset: whole architectures or losses if possible, else single variants."""
    for axis in ("architecture", "loss"):
        names = _whole(axis, group, cells)
        if names:
            rest = [variant_title(cell.loss, cell.architecture) for cell in group if getattr(cell, axis) not in names]
            return listed([*names, *rest])
    return listed(variant_title(cell.loss, cell.architecture) for cell in group)


def _whole(axis: str, group: list[Cell], cells: list[Cell]) -> list[str]:
    """The names on an axis whose cells all belong to the group."""
    inside = {id(cell) for cell in group}
    outside = {getattr(cell, axis) for cell in cells if id(cell) not in inside}
    return [name for name in dict.fromkeys(getattr(cell, axis) for cell in group) if name not in outside]


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = map(escape_markdown, names)
    return f"{', '.join(most)} and {last}" if most else last


def setting_text(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"({', '.join(map(setting_text, value))})"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def params_text(values: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {setting_text(value)}" for key, value in values.items()) or "none"
