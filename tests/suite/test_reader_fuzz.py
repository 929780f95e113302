"""Readers of files that others wrote: any content is either valid or one sentence of ours, never another exception."""

from __future__ import annotations

import contextlib
import copy
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from factories import commit, make_record
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plans import plan_row

from ganbench.api.suites import SuiteRequest, resolve
from ganbench.errors import GanbenchError, ResultsError
from ganbench.files import sealed
from ganbench.results import manifest
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan, load_plan, save_plan

words = st.text(max_size=8) | st.sampled_from(["\ud800", "\x1b[31m", "../..", "nan", "$", "ring8", "minimax"])
numbers = st.integers() | st.floats() | st.sampled_from([10**30, -1, 0, 2**63, 1e400])
values = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
fuzz = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to all parts of plain data, but not to the whole."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*way, key)
        yield from _places(one, (*way, key))


@st.composite
def changed(draw: st.DrawFn, whole: Any) -> Any:
    """Plain data of which up to three parts are removed, renamed, or something else."""
    content = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(content))
        if not places:
            break
        *way, key = draw(st.sampled_from(places))
        holder = content
        for step in way:
            holder = holder[step]
        how = draw(st.sampled_from(["replace", "remove", "rename"]))
        if how == "replace":
            holder[key] = draw(values)
        elif how == "remove":
            del holder[key]
        elif isinstance(holder, dict):
            holder[draw(words)] = holder.pop(key)
    return content


def _is_valid_or_refused(read: Callable[[], object], kind: type[GanbenchError] = GanbenchError) -> None:
    try:
        read()
    except kind as error:
        text = str(error)
        assert text.strip()
        text.encode()


def _write(path: Path, content: Any) -> None:
    """A JSON file with a seal that fits, if the content can have one."""
    with contextlib.suppress(ValueError, AttributeError, TypeError):
        content = sealed({key: value for key, value in content.items() if key != "seal"})
    path.write_bytes(json.dumps(content).encode("utf-8", "surrogatepass"))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, its scores, a plan and a manifest."""
    folder = tmp_path_factory.mktemp("results")
    commit(Store(folder), make_record("a0", scores={"modes": 8.0}))
    save_plan(folder, SavedPlan("suite", "about", "", (plan_row("minimax", "mlp", "ring8", {0: "a0"}),), (), ()))
    manifest.write(folder, Store(folder))
    return folder


def _files(results: Path) -> dict[str, tuple[Path, Callable[[Path], object]]]:
    """Every kind of file that is read, and its reader."""
    (scores,) = results.glob("runs/a0/scores/*.json")
    return {
        "record": (results / "runs" / "a0" / "record.json", lambda root: Store(root).all_runs()),
        "scores": (scores, lambda root: Store(root).all_runs()),
        "plan": (results / "suite" / "plan.json", lambda root: load_plan(root, "suite")),
        "manifest": (results / "manifest.json", lambda root: manifest.read(root / "manifest.json")),
    }


@pytest.mark.parametrize("kind", ["record", "scores", "plan", "manifest"])
@fuzz
@given(data=st.data())
def test_a_changed_file_is_valid_or_refused_in_one_sentence(results: Path, kind: str, data: st.DataObject) -> None:
    path, read = _files(results)[kind]
    whole = path.read_bytes()
    try:
        _write(path, data.draw(changed(json.loads(whole))))
        _is_valid_or_refused(lambda: read(results), ResultsError)
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("kind", ["record", "scores", "plan", "manifest"])
@fuzz
@given(content=st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_valid_or_refused_in_one_sentence(results: Path, kind: str, content: bytes) -> None:
    path, read = _files(results)[kind]
    whole = path.read_bytes()
    try:
        path.write_bytes(content)
        _is_valid_or_refused(lambda: read(results), ResultsError)
    finally:
        path.write_bytes(whole)


SUITE: dict[str, Any] = {
    "about": "a suite",
    "losses": ["minimax", {"loss": ["rpgan", {"r1": {"gamma": 0.1}}], "label": "R3"}],
    "architectures": ["mlp", {"mlp": {"width": 16}}],
    "datasets": ["ring8"],
    "seeds": 2,
    "train": {"steps": 100, "batch": 32, "lr": 2e-3, "betas": [0, 0.99], "schedule": "cosine", "d": {"lr": 1e-3}},
    "reference": {"loss": "minimax"},
    "primary": {"ring8": "modes"},
    "evaluation": {"samples": 500, "real_samples": 500, "snapshots": 2, "metrics": ["modes"]},
    "overrides": [{"when": {"dataset": "ring8"}, "train": {"batch": 64}, "seeds": [0, 3]}],
    "exclude": [{"loss": "minimax", "architecture": "mlp(width=16)"}],
    "search": {"train": {"lr": {"from": 1e-4, "to": 1e-2}}},
    "external": [{"samples": "none.npz", "label": "theirs", "dataset": "ring8"}],
}


def _resolved(folder: Path, content: bytes) -> None:
    path = folder / "suite.yaml"
    path.write_bytes(content)
    _is_valid_or_refused(lambda: resolve(SuiteRequest(str(path))).expanded())


@settings(max_examples=50, deadline=None)
@given(content=changed(SUITE), without=st.sets(st.sampled_from(sorted(SUITE)), max_size=8))
def test_a_changed_suite_is_valid_or_refused_in_one_sentence(content: dict[str, Any], without: set[str]) -> None:
    kept = {key: value for key, value in content.items() if key not in without}
    with tempfile.TemporaryDirectory() as folder:
        _resolved(Path(folder), yaml.safe_dump(kept, allow_unicode=True).encode("utf-8", "surrogatepass"))


@settings(max_examples=40, deadline=None)
@given(content=st.binary(max_size=60) | st.text(alphabet=":-[]{}&*!|>'\"%@` \n\tab0.,#~", max_size=60).map(str.encode))
def test_any_suite_file_is_valid_or_refused_in_one_sentence(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _resolved(Path(folder), content)
