"""The measured parts as tables: the goals first, then what was measured, then what was left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.gpu import goals
from benchmarks.tables import grid

Part = Mapping[str, Any]


def table(parts: Mapping[str, Part]) -> str:
    """All tables in Markdown. Goals are compared only with what was measured on a GPU in full size."""
    on_gpu = {name: part["found"] for name, part in parts.items() if part["device"]["kind"] == "cuda"}
    real = {name: found for name, found in on_gpu.items() if not parts[name]["tiny"]}
    rows = [[row["what"], row["goal"], row["found"], row["state"]] for row in goals.rows(real)]
    shown = [grid(["goal for one GPU of the H100's class", "goal", "measured", ""], rows)]
    made = {"kernels": _kernels, "commands": _commands, "evaluation": _evaluation}
    for name, part in parts.items():
        shown += [made[name](part["found"]), _where(name, part)]
        left_out = part["left_out"]
        if left_out:
            shown.append("".join(f"- {what}: {why}\n" for what, why in left_out.items()))
    return "\n".join(text for text in shown if text)


def _where(name: str, part: Part) -> str:
    machine, device = part["machine"], part["device"]
    versions = ", ".join(f"{library} {version}" for library, version in machine["libraries"].items())
    cuda = f"CUDA {device['cuda']}, cuDNN {device['cudnn']}, " if device["kind"] == "cuda" else ""
    small = " --tiny" if part["tiny"] else ""
    return (
        f"Made by `python -m benchmarks.gpu --part {name}{small}` on {device['name']}, {machine['processor']}, "
        f"{machine['cores']} cores; {cuda}Python {machine['python']}, {versions}; {machine['date']}; "
        f"{part['seconds']:.0f} s.\n"
    )


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:,.0f}"


def _yes(value: bool) -> str:
    return "equal" if value else "**differ**"


def _kernels(found: Mapping[str, Any]) -> str:
    heads = [
        "case", "textbook loop", "captured by hand, 1 seed", "ganbench", "run, seed-steps/s", "run / pure",
        "to the loop", "bits: rerun, alone", "ready, s", "memory, MiB", "share of peak", "losses against the CPU",
    ]  # fmt: skip
    rows = []
    for case in found["cases"]:
        for side in case["sides"] or [None]:
            first = side is None or side is case["sides"][0]
            share, gap = case.get("share_of_peak"), case.get("loss_difference")
            rows.append(
                [
                    case["case"],
                    _number(case["textbook"]) if first else "",
                    _number(case["captured"]) if first else "",
                    *(_side(side, case["textbook"]) if side else [goals.NOT_MEASURED, *[""] * 6]),
                    (f"{share:.1%}" if share is not None else "n/a") if first else "",
                    (f"{gap:.0e}" if gap is not None else "n/a") if first else "",
                ]
            )
    peak = found["peak"]
    best = ", ".join(f"{peak[name] / 1e12:.1f} TFLOP/s {name}" for name in ("fp32", "tf32", "bf16") if name in peak)
    copied = f"; copy {peak['copy'] / 1e9:,.0f} GB/s" if "copy" in peak else ""
    return grid(heads, rows) + (f"\nMeasured peak: {best}{copied}.\n" if best else "")


def _side(side: Mapping[str, Any], loop: float | None) -> list[str]:
    title = f"{side['seeds']} seeds, {side['path']}, {side['lanes']} lanes x {side['branches']}"
    bits = side["bits"]
    return [
        title + ("" if side["deterministic"] else ", not deterministic"),
        _number(side["run"]),
        f"{side['ratio']:.2f}",
        "n/a" if not loop else f"{side['run'] / loop:,.0f}",
        "n/a" if bits is None else f"{_yes(bits['rerun'])}, {_yes(bits['alone'])}",
        f"{side['prepare_seconds']:.1f}",
        f"{side['peak_memory_bytes'] >> 20:,}",
    ]


def _commands(found: Mapping[str, Any]) -> str:
    heads = ["whole command", "cache", "s", "runs", "training, s", "longest wait for a program, s", "paths"]
    return grid(
        heads,
        [
            [
                found["suites"][one["suite"]],
                "empty" if one["kind"] == "cold" else "filled",
                f"**{one['seconds']:.1f}**",
                str(one["runs"]),
                f"{one['train_seconds']:.1f}",
                f"{one['prepare_seconds']:.1f}",
                ", ".join(one["paths"]),
            ]
            for one in found["runs"]
        ],
    )


def _evaluation(found: Mapping[str, Any]) -> str:
    heads = [
        "FID, IS, KID, precision, recall (ganbench: coverage and density too)", "torch_fidelity.calculate_metrics, s",
        "ganbench, empty cache, s", "real side kept, s", "largest relative difference", "from ganbench on the CPU",
    ]  # fmt: skip
    rows = []
    for row in found["rows"]:
        seconds, cpu = row["seconds"], row.get("difference_from_cpu")
        rows.append(
            [
                row["title"],
                *(f"{seconds[name]:.1f}" for name in ("theirs", "first", "again")),
                f"{max(row['relative_difference'].values()):.1e}",
                f"{max(cpu.values()):.1e}" if cpu else "n/a",
            ]
        )
    return grid(heads, rows)
