"""The shape of a record: what everything that reads one relies upon, checked once when it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

BETTER = ("higher", "lower")


OPTIONAL: Mapping[str, type] = {
    "spec": dict, "provenance": dict, "reason": str, "cost": dict, "files": dict, "signals": dict, "snapshots": list,
}  # fmt: skip


def check(record: Any) -> None:
    """Raise `ValueError`, which names the part, where a part of a record is not what a run leaves.

    What a table does not need may be missing, as in records of older versions; what is there must be whole.
    """
    _is(dict, record, "the record")
    for name in ("id", "status"):
        _is(str, record.get(name), name)
    for name, kind in OPTIONAL.items():
        if record.get(name) is not None:
            _is(kind, record[name], name)
    _scores(record.get("metrics"), record.get("cards"))
    if "samples" in record:
        _reference(record)
    _texts(record.get("files") or {}, "files")
    for name, value in (record.get("cost") or {}).items():
        if value is not None:
            _number(value, f"cost {name!r}")
    for name, part in PARTS.items():
        if record.get(name) is not None:
            part(record[name], name)
    plugins = (record.get("provenance") or {}).get("plugins", {})
    _is(dict, plugins, "provenance.plugins")
    for name, plugin in plugins.items():
        _texts(plugin, f"provenance.plugins {name!r}")


def check_whole(record: dict[str, Any]) -> None:
    """The same of what a page about the record needs: its spec, where it was made, and whole cards."""
    for name in ("spec", "provenance"):
        _is(dict, record.get(name), name)
    for name in ("train", "loss", "architecture") if "seed" in record["spec"] else ():
        _is(dict, record["spec"].get(name), f"spec.{name}")
    _is(dict, record["spec"].get("dataset"), "spec.dataset")
    _is(dict, record["provenance"].get("libraries", {}), "provenance.libraries")
    for name, card in record["cards"].items():
        _is(dict, card.get("metric"), f"metric of card {name!r}")
        for key in ("fake_samples", "real_samples", "split", "generator", "checkpoint"):
            if key not in card:
                raise ValueError(f"card {name!r} lacks {key!r}")


def _reference(record: dict[str, Any]) -> None:
    """A yardstick says how many samples were there, how many were asked for, and why some scores are not."""
    evaluation: Any = (record.get("spec") or {}).get("evaluation")
    _is(dict, evaluation, "spec.evaluation")
    _number(evaluation.get("samples"), "spec.evaluation.samples")
    _number(record["samples"], "samples")
    _is(list, record.get("notes"), "notes")
    for note in record["notes"]:
        _is(str, note, "a note")


def _scores(metrics: Any, cards: Any) -> None:
    _is(dict, metrics, "metrics")
    _is(dict, cards, "cards")
    for name, value in metrics.items():
        _number(value, f"metric {name!r}")
        if name not in cards:
            raise ValueError(f"metric {name!r} has no card")
    for name, card in cards.items():
        _is(dict, card, f"card {name!r}")
        if card.get("better", "higher") not in BETTER:
            raise ValueError(f"card {name!r} does not say what is better")


def _verdict(value: Any, name: str) -> None:
    _is(dict, value, name)
    _is(str, value.get("text"), f"{name}.text")


def _histogram(value: Any, name: str) -> None:
    _is(dict, value, name)
    _is(str, value.get("of"), f"{name}.of")
    _numbers(value.get("fake"), f"{name}.fake")
    if value.get("real") is not None:
        _numbers(value["real"], f"{name}.real")
        if len(value["real"]) != len(value["fake"]):
            raise ValueError(f"{name} counts other modes on both sides")
    _number(value.get("n"), f"{name}.n")
    if value["n"] <= 0 or not value["fake"]:
        raise ValueError(f"{name} counts nothing")


def _film(value: Any, name: str) -> None:
    _is(dict, value, name)
    _numbers(value.get("steps"), f"{name}.steps")
    _number(value.get("side"), f"{name}.side")
    if value["side"] < 1:
        raise ValueError(f"{name}.side is no size")


def _diagnosis(value: Any, name: str) -> None:
    _is(list, value, name)
    for one in value:
        _is(dict, one, name)
        _is(str, one.get("flag"), f"{name}.flag")
        _is(str, one.get("evidence"), f"{name}.evidence")
        _number(one.get("since"), f"{name}.since")
        _is(bool, one.get("fault"), f"{name}.fault")


def _snapshots(value: Any, name: str) -> None:
    for one in value:
        _is(dict, one, name)
        _number(one.get("step"), f"{name}.step")
        _is(dict, one.get("metrics") or {}, f"{name}.metrics")
        for score, number in (one.get("metrics") or {}).items():
            _number(number, f"{name} {score!r}")


def _neighbours(value: Any, name: str) -> None:
    _is(dict, value, name)
    for key in ("shown", "nearest", "of"):
        _number(value.get(key), f"{name}.{key}")


PARTS: Mapping[str, Callable[[Any, str], None]] = {
    "verdict": _verdict, "histogram": _histogram, "film": _film, "diagnosis": _diagnosis, "snapshots": _snapshots,
    "neighbours": _neighbours,
}  # fmt: skip


def _is(kind: type, value: Any, name: str) -> None:
    if not isinstance(value, kind):
        raise ValueError(f"{name} is no {KINDS[kind]}")


KINDS = {dict: "object", list: "list", str: "text", bool: "yes or no"}


def _number(value: Any, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"{name} is no finite number")


def _numbers(value: Any, name: str) -> None:
    _is(list, value, name)
    for one in value:
        _number(one, name)


def _texts(value: Any, name: str) -> None:
    _is(dict, value, name)
    for key, text in value.items():
        _is(str, text, f"{name} {key!r}")
