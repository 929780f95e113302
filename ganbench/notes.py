"""What stands below a table: failures, what the seeds cannot show, and the protocol."""

from __future__ import annotations

from ganbench import cards, ranking
from ganbench.numbers import number
from ganbench.records import Record
from ganbench.rows import TableRow


def failures(records: dict[int, Record | None]) -> tuple[str, ...]:
    """One note a kind of failure: `2 of 8 seeds diverged: a loss was not finite at step 100`."""
    groups: dict[tuple[str, str], list[int]] = {}
    for seed, record in records.items():
        if record is None:
            groups.setdefault(("not run yet", ""), []).append(seed)
        elif record["status"] != "ok":
            groups.setdefault((record["status"], record["reason"]), []).append(seed)
    return tuple(
        f"{len(seeds)} of {len(records)} seeds {status}" + (f": {reason}" if reason else "")
        for (status, reason), seeds in groups.items()
    )


def stood(records: list[Record]) -> tuple[str, ...]:
    """Where a variant's seeds were read, where that is not their end."""
    places = [record["stood_at"] for record in records if "stood_at" in record]
    if not places:
        return ()
    low, high = (end(value for _, value in places) for end in (min, max))
    span = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return (f"read at {span} {'steps' if places[0][0] == 'steps' else 's of training'}",)


def paths(records: list[Record]) -> tuple[str, ...]:
    """A note where a variant's seeds were trained in several ways, which differ in rounding."""
    paths = sorted({record.get("provenance", {}).get("path") or "" for record in records} - {""})
    if len(paths) < 2:
        return ()
    return (f"its seeds were trained in several ways ({', '.join(paths)}), which differ in rounding",)


def below(rows: list[TableRow], columns: dict[str, str], comparisons: int) -> list[str]:
    """Notes below a table of so many comparisons; the same one for several rows is said once."""
    said: dict[str, list[str]] = {}
    for row in rows:
        for note in row.notes:
            said.setdefault(note, []).append(row.title)
    notes = [f"{', '.join(titles)}: {note}" for note, titles in said.items()]
    variants = [row for row in rows if row.kind == "variant" and row.n]
    notes += _few(variants, columns)
    if any(row.failed for row in variants):
        notes.append(
            "Means and intervals are of the seeds that finished; ranks count every failed seed as the worst "
            "(permutation test on ranks)."
        )
    return [*notes, *_power(variants, columns, comparisons), *_protocols(variants, columns)]


def _few(variants: list[TableRow], columns: dict[str, str]) -> list[str]:
    """Who has too few seeds to be compared, in everything or in some score."""
    few: dict[str, list[str]] = {}
    for row in variants:
        short = [name for name in columns if row.sample(name).size < ranking.FEWEST]
        if short:
            few.setdefault("" if len(short) == len(columns) else f" in {', '.join(short)}", []).append(row.title)
    return [
        f"{', '.join(titles)}: too few seeds to claim a difference{where}; at least {ranking.FEWEST} are needed."
        for where, titles in few.items()
    ]


def _power(variants: list[TableRow], columns: dict[str, str], comparisons: int) -> list[str]:
    """What these seeds cannot show, score by score."""
    parts: dict[int, list[str]] = {}
    for name in columns:
        scale = variants[0].scores[name].scale if variants else "linear"
        found = ranking.detectable([row.sample(name) for row in variants], comparisons, scale)
        if found is not None:
            text = f"{name} {'a factor of ' if scale == 'log' else ''}{number(found.gap)}"
            parts.setdefault(found.seeds, []).append(text)
    return [
        f"With {seeds} seeds two variants of average noise must differ by this much to show it four times in five: "
        f"{', '.join(texts)}."
        for seeds, texts in parts.items()
    ]


def _protocols(variants: list[TableRow], columns: dict[str, str]) -> list[str]:
    """The protocol cards in words, scores with the same one together."""
    groups: dict[str, list[str]] = {}
    for name in columns:
        card = next((row.scores[name].card for row in variants if row.scores[name].values), None)
        if card is not None:
            seeds = sorted({seed for row in variants for seed in row.scores[name].card["seeds"]})
            groups.setdefault(cards.sentence({**card, "seeds": seeds}), []).append(name)
    if len(groups) == 1:
        return [f"Protocol: {next(iter(groups))}."]
    return [f"Protocol of {', '.join(names)}: {text}." for text, names in groups.items()]
