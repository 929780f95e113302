"""How each benchmark's rows become a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any


def grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = [heads, [":--", *["--:"] * (len(heads) - 1)], *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def engine(rows: list[dict[str, Any]]) -> str:
    def ratio(row: dict[str, Any], side: str, place: int) -> str:
        found = row["ratio"][side]
        goal = f" (goal {row['goal'][place]:g})" if row["goal"] else ""
        return f"**{found['median']:.2f}** [{found['low']:.2f}, {found['high']:.2f}]{goal}"

    heads = [
        "case", "seeds x steps", "ganbench, seed-steps/s", "ratio to the plain loop", "ratio to one plain loop a core",
        "with compiling: first time, kept", "share of GEMM peak", "compiling, s: first time, kept",
        "memory, MiB: plain, ganbench",
    ]  # fmt: skip
    body = []
    for row in rows:
        speed, compiling, prepare = row["seed_steps_per_second"], row["ratio_with_compiling"], row["prepare_seconds"]
        memory = row["peak_memory_bytes"]
        body.append(
            [
                row["case"],
                f"{row['seeds']} x {row['steps']}",
                f"{speed['ganbench']:.0f}",
                ratio(row, "plain", 0),
                ratio(row, "processes", 1),
                f"{compiling['cold']:.2f}, {compiling['kept']:.2f}",
                "n/a" if row["share_of_gemm_peak"] is None else f"{row['share_of_gemm_peak']:.0%}",
                f"{prepare['cold']:.1f}, {prepare['kept']:.1f}",
                f"{memory['plain'] >> 20}, {memory['ganbench'] >> 20}",
            ]
        )
    return grid(heads, body)


def evaluation(rows: list[dict[str, Any]]) -> str:
    def spread(values: list[float]) -> str:
        return f"**{median(values):.1f}** [{min(values):.1f}, {max(values):.1f}]"

    heads = [
        "FID, IS, KID, precision, recall of", "torch_fidelity.calculate_metrics, s", "ganbench, s",
        "ratio, empty cache", "ratio, real side kept", "largest relative difference",
    ]  # fmt: skip
    body = [
        [
            f"{row['seeds']} seeds of {row['samples']} digits",
            f"{row['seconds']['theirs']:.1f}",
            f"{row['seconds']['again']:.1f}",
            spread(row["ratio"]["first"]),
            spread(row["ratio"]["again"]),
            f"{max(row['largest_relative_difference'].values()):.1e}",
        ]
        for row in rows
    ]
    return grid(heads, body)


def scaling(rows: dict[str, Any]) -> str:
    seeds = [[str(r["seeds"]), f"{r['rate']:.0f}", f"{r['train']:.1f}", f"{r['wall']:.1f}"] for r in rows["seeds"]]
    steps = [[str(r["steps"]), f"{r['rate']:.0f}", f"{r['memory'] >> 20}"] for r in rows["steps"]]
    cells = [[str(r["cells"]), f"{r['wall']:.1f}", f"{r['each']:.2f}"] for r in rows["cells"]]
    shell = [[r["command"], f"{r['seconds']:.2f}"] for r in rows["shell"]]
    heads = (
        ["seeds of the 2-D recipe, 3,000 steps", "seed-steps/s", "training, s", "whole command, s"],
        ["steps, 8 seeds", "seed-steps/s", "peak memory of a worker, MiB"],
        ["cells of 2 seeds, 50 steps", "whole command, s", "a cell, s"],
        ["command", "s"],
    )
    return "\n".join(grid(*pair) for pair in zip(heads, (seeds, steps, cells, shell), strict=True))


def comparison(found: dict[str, Any]) -> str:
    body = [
        [
            row["case"],
            str(row["seeds"]),
            f"{row['trials']:,}",
            f"**{_percent(row['claimed'])}**",
            f"{_percent(row['worst']['claimed'])} ({row['worst']['source']})",
        ]
        for row in found["aa"]
    ]
    limit = _percent(found["limit"])
    heads = ["A/A: scores", "seeds", "families", f"any claim (at most {limit})", "the worst source"]
    power = [
        [row["case"], str(row["seeds"]), f"{row['difference']:g} sd", f"**{_percent(row['found'])}**"]
        for row in found["power"]
    ]
    paired = [[f"{row['correlation']:g}", *map(_percent, row["found"].values())] for row in found["paired"]]
    return "\n".join(
        [
            grid(heads, body),
            grid(["one of three comparisons differs: scores", "seeds", "true difference", "found"], power),
            grid(["correlation over seeds", *found["paired"][0]["found"]], paired),
        ]
    )


def pairing(rows: list[dict[str, Any]]) -> str:
    body = []
    for dataset, architecture in sorted({(row["dataset"], row["architecture"]) for row in rows}):
        own = [row for row in rows if (row["dataset"], row["architecture"]) == (dataset, architecture)]
        pairs = [[row[key] for row in own] for key in ("correlation", "variance_ratio")]
        first = [f"{values[0]:.2f}" for values in pairs]
        spans = [f"{median(values):.2f} [{min(values):.2f}, {max(values):.2f}]" for values in pairs]
        body.append([dataset, architecture, own[0]["score"], *first, *spans])
    heads = [
        "dataset", "architecture", "score", "its correlation over seeds", "noise left by pairing (variance)",
        "correlation, all scores", "noise left, all scores",
    ]  # fmt: skip
    return grid(heads, body)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def fooling(rows: list[dict[str, Any]]) -> str:
    """By dataset and way to be wrong: the verdict at each dose; then the honest sets."""
    ways: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if "set" in row:
            ways.setdefault((row["dataset"], row["set"]), []).append(row)
    body = []
    for (dataset, way), own in ways.items():
        from_dose = next(row["dose"] for row in own if row["wrong"])
        body.append([dataset, way, f"{from_dose:g}", ", ".join(_runs([(row["dose"], row["text"]) for row in own]))])
    named = [row for row in rows if row.get("wrong")]
    found = sum(row["verdict"] in row["due"] for row in named)
    honest = [row for row in rows if "honest" in row]
    per = {row["dataset"]: sum(one["dataset"] == row["dataset"] for one in honest) for row in honest}
    alarms = sum(row["verdict"] != "ok" for row in honest)
    sets = ", ".join(f"{count} of {name}" for name, count in per.items())
    return (
        grid(["dataset", "samples", "named from", "verdict at each dose"], body)
        + f"\nNamed: {found} of {len(named)} wrong sets. "
        f"Honest sets with a fault: {alarms} of {len(honest)} ({sets}).\n"
    )


def _runs(doses: list[tuple[float, str]]) -> list[str]:
    """`0 to 0.06: ok`: neighboring doses with one verdict together."""
    found: list[list[Any]] = []
    for dose, text in doses:
        if found and found[-1][2] == text:
            found[-1][1] = dose
        else:
            found.append([dose, dose, text])
    return [f"{low:g}: {text}" if low == high else f"{low:g} to {high:g}: {text}" for low, high, text in found]


DOMAINS = {"points": "ring8, grid25", "digits mlp": "digits, MLP", "digits dcgan": "digits, DCGAN"}
FLAGS = ("collapse", "explosion", "weak discriminator", "vanishing gradient", "discriminator ahead")
PARTIAL = 0.75
"""Below this share of captured modes a healthy run has lost some."""


def diagnosis(rows: list[dict[str, Any]]) -> str:
    """Hits by planted fault, false alarms by flag, and how runs without a fault were sorted."""

    def counts(runs: list[dict[str, Any]], flags: Sequence[str]) -> list[str]:
        sides = [[run for run in runs if run["domain"] == domain] for domain in DOMAINS]
        return [f"{sum(raised(run, flags) for run in side)} of {len(side)}" for side in (*sides, runs)]

    def alarms(runs: list[dict[str, Any]]) -> str:
        return f"{sum(raised(run, FLAGS[:-1]) for run in runs)} of {len(runs)}"

    plants = {run["plant"]: run["expected"] for run in rows if run["expected"]}
    planted = [run for run in rows if run["expected"]]
    hits = [
        [name, " or ".join(flags), *counts([run for run in planted if run["plant"] == name], flags)]
        for name, flags in plants.items()
    ]
    sound = [run for run in rows if not run["expected"] and run["healthy"]]
    unsound = [run for run in rows if not run["expected"] and not run["healthy"]]
    partial = [run for run in sound if run["captured"] < PARTIAL]
    missed = [run for run in planted if not raised(run, run["expected"])]
    return (
        grid(["planted fault", "a hit is", *DOMAINS.values(), "all"], hits)
        + "\n"
        + grid(["false alarms in runs without a fault", *DOMAINS.values(), "all"],
               [[flag + (" (a note)" if flag == FLAGS[-1] else ""), *counts(sound, [flag])] for flag in FLAGS])
        + f"\nPlanted faults found: {len(planted) - len(missed)} of {len(planted)}. Of the {len(missed)} others, "
        f"reported as another fault: {alarms(missed)}; by evaluation healthy in spite of it: "
        f"{sum(run['healthy'] for run in missed)}. "
        f"Healthy runs with a false alarm: {alarms(sound)}. Of those that lost a quarter of the modes or more, "
        f"flagged: {alarms(partial)}. Runs without a planted fault that did not come out healthy, set apart: "
        f"{len(unsound)}.\n"
    )  # fmt: skip


def report_size(found: dict[str, Any]) -> str:
    names = {"index.html": "overview", "datasets/*.html": "a dataset", "variants/*.html": "a variant"}
    body = [
        [
            names.get(row["page"], "a run"),
            f"{row['bytes'] / 1024:,.0f}",
            f"**{row['milliseconds']['paint']:.0f}** [{min(row['paints']):.0f}, {max(row['paints']):.0f}]",
            f"{row['milliseconds']['load']:.0f}",
        ]
        for row in found["pages"]
    ]
    seconds = found["publish_seconds"]
    return (
        grid(["largest page of its kind", "KiB", "first paint, ms", "all of it, ms"], body)
        + f"\n{found['runs']:,} runs published in {seconds['median']:.1f} s [{seconds['low']:.1f}, "
        f"{seconds['high']:.1f}]: {found['files']:,} files, {found['bytes'] / 2**20:.0f} MiB with pictures and "
        "records. Every page in a browser that was just started.\n"
    )


def many_runs(rows: list[dict[str, Any]]) -> str:
    names = list(rows[0]["commands"])
    heads = ["runs", "files, MiB", "plan, MiB", "planning, s", *(f"{name}, s of one core, MiB" for name in names)]
    body = [
        [
            f"{row['runs']:,}",
            f"{row['files']:,}, {row['bytes'] / 2**20:,.0f}",
            f"{row['plan_bytes'] / 2**20:.1f}",
            f"{row['plan_seconds']:.1f}",
            *(f"**{own['cpu']:.1f}**, {own['bytes'] / 2**20:,.0f}" for own in map(row["commands"].get, names)),
        ]
        for row in rows
    ]
    return grid(heads, body)


def raised(run: dict[str, Any], flags: Sequence[str]) -> bool:
    """Whether the diagnosis of a run holds one of the flags."""
    return any(finding["flag"] in flags for finding in run["diagnosis"] or ())


def draws(rows: list[dict[str, Any]]) -> str:
    def spread(row: dict[str, Any], side: str) -> str:
        found = row["nanoseconds"].get(side)
        return "n/a" if found is None else f"**{found['median']:.1f}** [{found['low']:.1f}, {found['high']:.1f}]"

    heads = ["draw of a step", "numbers", "torch's generator, ns a number", "compiled, ns", "in blocks of 50 steps, ns"]
    body = [
        [
            f"{row['kind']}: {row['size']}",
            f"{row['numbers']:,}",
            *(spread(row, one) for one in ("torch", "compiled", "block")),
        ]
        for row in rows
    ]
    return grid(heads, body)


def gpu(parts: dict[str, Any]) -> str:
    from benchmarks.gpu.table import table  # which uses `grid`

    return table(parts)


def extractors(rows: list[dict[str, Any]]) -> str:
    heads = ["extractor", "features", "batch", "images a second of one core"]
    body = []
    for row in rows:
        params, rate = ", ".join(f"{key}={value}" for key, value in row["params"].items()), row["rate"]
        body.append(
            [
                f"{row['extractor']}({params})" if params else row["extractor"],
                f"{row['features']:,}",
                str(row["batch"]),
                f"**{rate['median']:.1f}** [{rate['low']:.1f}, {rate['high']:.1f}]",
            ]
        )
    return grid(heads, body)


def torture(rows: list[dict[str, Any]]) -> str:
    heads = ["what", "tries", "lost", "damaged accepted", "hanging", "tracebacks"]
    names = ("tries", "lost", "accepted", "hanging", "tracebacks")
    return grid(heads, [[row["what"], *(f"{row[name]:,}" for name in names)] for row in rows])


TABLES: dict[str, Callable[[Any], str]] = {
    "draws": draws,
    "gpu": gpu,
    "engine": engine,
    "evaluation": evaluation,
    "extractors": extractors,
    "scaling": scaling,
    "fooling": fooling,
    "comparison": comparison,
    "pairing": pairing,
    "diagnosis": diagnosis,
    "report_size": report_size,
    "many_runs": many_runs,
    "torture": torture,
}
