"""A published folder is as it was published, or the check reports the differences."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from conftest import Cli
from factories import make_record, make_reference, make_spec, reseal, scores_file
from plans import plan_row

from ganbench.files import canonical
from ganbench.results import manifest
from ganbench.results.identity import recomputed_evaluation_id, recomputed_id
from ganbench.results.records import AnyRecord, Failure, PluginOrigin, Provenance, Record, ReferenceRecord
from ganbench.results.store import Store
from ganbench.results.verify import check
from ganbench.suite.plan_file import SavedPlan, save_plan
from ganbench.suite.specs import resolved_evaluation

TIME = "2026-11-24T01:02:03Z"
T = TypeVar("T", Record, ReferenceRecord)


def _with_id(record: T, known: Mapping[str, str] = {}) -> T:
    """The record under the id that its spec, code versions and protocol give."""
    found = recomputed_id(record, known)
    assert found is not None
    return replace(record, id=found)


def _records() -> tuple[list[Record], ReferenceRecord]:
    spec = make_spec()
    keys = [f"{kind}:{choice.name}" for kind, choice in spec.choices()]
    plugins = {key: PluginOrigin("d", "1", f"{key} 1", "abc") for key in keys}
    ours = {key: plugin for key, plugin in plugins.items() if key in spec.code()}
    made = Provenance(protocol=2, python="3.11", processor="p", revision="abc", plugins=ours)
    scored_by = Provenance(protocol=1, plugins={key: plugins[key] for key in plugins.keys() - ours.keys()})
    good = make_record(scores={"score": 1.0}, spec=spec, provenance=made, scored_by=scored_by)
    stored = canonical(resolved_evaluation(spec.evaluation))
    good = replace(good, evaluation_id=recomputed_evaluation_id(replace(good, stored_evaluation=stored)))
    lost = make_record(spec=make_spec(1), failure=Failure("failed", "boom"), provenance=Provenance(time=TIME))
    reference = make_reference(provenance=Provenance(protocol=1))
    codes = {key: plugin.code for key, plugin in plugins.items()}
    return [_with_id(good), _with_id(lost, codes)], _with_id(reference, codes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A published folder of two runs, one of them failed, and a reference."""
    root = tmp_path / "published"
    store = Store(root)
    records, reference = _records()
    everything: list[AnyRecord] = [*records, reference]
    for record in everything:
        place = store.stage(record.id)
        (place / "history.csv").write_text("step,d_loss\n0,1.5\n")
        (place / "weights.safetensors").write_bytes(b"weights")
        store.commit(record, place)
        (root / ("references" if record is reference else "runs") / record.id / "weights.safetensors").unlink()
    store.staging.rmdir()
    row = plan_row("game", "net", "points", {seed: record.id for seed, record in enumerate(records)})
    save_plan(root, SavedPlan("s", "about", "", (row,), (), ()))
    (root / "index.html").write_text("<p>hello</p>")
    manifest.write(root, facts={"title": "a title"})
    return root


def _content(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return content


def test_a_manifest_lists_every_file_and_the_origin_of_the_numbers(folder: Path) -> None:
    content = _content(folder)
    assert set(content["files"]) == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.parent != folder
    } | {"index.html"}
    page = (folder / "index.html").read_bytes()
    assert content["files"]["index.html"] == {"bytes": 12, "sha256": hashlib.sha256(page).hexdigest()}
    assert content["suites"] == ["s"]
    assert content["statuses"] == {"failed": 1, "ok": 1}
    assert content["time"] == "2026-11-24T01:02:03Z"
    assert (content["protocols"], content["revisions"]) == ([2], ["abc"])
    assert content["plugins"]["loss:game"] == [{"code": "loss:game 1", "distribution": "d", "source": "abc",
                                                "version": "1"}]  # fmt: skip
    assert content["environments"] == [{"processor": "p", "python": "3.11", "records": 1}]
    assert sorted(content["runs"]) == sorted(path.name for path in (folder / "runs").iterdir())
    assert content["facts"] == {"title": "a title"}


def test_the_same_folder_gives_the_same_bytes(folder: Path) -> None:
    before = (folder / "manifest.json").read_bytes()
    manifest.write(folder, facts={"title": "a title"})
    assert (folder / "manifest.json").read_bytes() == before


def test_an_untouched_folder_holds(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("version control may be added")
    assert check(folder).findings == ()  # the failed run's id too, by the code versions of other records
    assert check(folder / "manifest.json").holds


def _run(folder: Path, status: str = "ok") -> Path:
    paths = (folder / "runs").glob("*/record.json")
    return next(path.parent for path in paths if json.loads(path.read_text())["status"] == status)


def _rewrite(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def _forged(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """A record changed and sealed again, and the manifest made to fit: only its sums and its id can tell."""
    reseal(_run(folder) / "record.json", change)
    manifest.write(folder)


def _scores_forged(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """The same of a run's scores."""
    reseal(scores_file(_run(folder)), change)
    manifest.write(folder)


def _edited(folder: Path, name: str) -> None:
    """One digit of a sealed file changed, and the manifest made to fit as far as that is possible."""
    content = manifest.read(folder / "manifest.json")
    path = next(folder.glob(name))
    digit = re.search(r": (\d)", path.read_text())
    assert digit is not None
    at = digit.start(1)
    text = path.read_text()
    path.write_text(text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :])
    own = manifest.FileSum(*manifest.checksum(path))
    files = {**content.files, path.relative_to(folder).as_posix(): own}
    plain = manifest.plain(replace(content, files=files))
    (folder / "manifest.json").write_text(json.dumps(plain))


def _emptied(folder: Path, name: str) -> None:
    (_run(folder) / name).write_text("")
    manifest.write(folder)


def _link(folder: Path, name: str, target: Path) -> None:
    (folder / name).unlink()
    (folder / name).symlink_to(target)


TAMPERED: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "changed": (lambda f: (f / "index.html").write_text("<p>jello</p>"), "changed", "index.html"),
    "longer": (lambda f: (f / "index.html").write_text("<p>more</p>  "), "changed", "index.html"),
    "missing": (lambda f: (f / "index.html").unlink(), "missing", "index.html"),
    "extra": (lambda f: (f / "assets.js").write_text("x"), "extra", "assets.js"),
    "hidden": (lambda f: (f / "runs" / ".x").write_text("x"), "extra", "runs/.x"),
    "link": (lambda f: _link(f, "index.html", Path("/etc/hostname")), "refused", "index.html"),
    "new link": (lambda f: (f / "more").symlink_to("/etc"), "refused", "more"),
    "pipe": (lambda f: os.mkfifo(f / "pipe"), "refused", "pipe"),
    "metric": (lambda f: _rewrite(scores_file(_run(f)), lambda r: r["metrics"].update(score=2.0)), "changed", ""),
    "a digit of a record": (lambda f: _edited(f, "runs/*/record.json"), "record", "record.json"),
    "a digit of scores": (lambda f: _edited(f, "runs/*/scores/*.json"), "record", "scores/"),
    "a digit of a reference": (lambda f: _edited(f, "references/*/record.json"), "record", "record.json"),
    "a digit of the plan": (lambda f: _edited(f, "s/plan.json"), "record", "s/plan.json"),
    "evaluation": (lambda f: _scores_forged(f, lambda r: r["evaluation"].update(samples=6)), "record", "scores/"),
    "other weights": (lambda f: _scores_forged(f, lambda r: r.update(weights="a" * 64)), "record", "scores/"),
    "content": (lambda f: _forged(f, lambda r: r["spec"]["dataset"].update(content="b" * 16)), "record", "plan.json"),
    "history": (lambda f: _emptied(f, "history.csv"), "record", "history.csv"),
    "spec": (lambda f: _forged(f, lambda r: r["spec"]["train"].update(steps=6)), "record", "record.json"),
    "code": (lambda f: _forged(f, lambda r: r["provenance"]["plugins"]["loss:game"].update(code="2")), "record", ""),
    "protocol": (lambda f: _forged(f, lambda r: r["provenance"].update(protocol=1)), "record", "record.json"),
    "id": (lambda f: reseal(_run(f) / "record.json", lambda r: r.update(id="0" * 12)), "record", "record.json"),
    "path": (lambda f: _forged(f, lambda r: r["files"].update({"../../index.html": "0"})), "refused", "record.json"),
    "status": (lambda f: _rewrite(f / "manifest.json", lambda m: m.update(statuses={"ok": 2})), "facts", "manifest"),
    "runs": (lambda f: _rewrite(f / "manifest.json", lambda m: m["runs"].pop()), "facts", "manifest.json"),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERED)
def test_whatever_is_tampered_with_is_found(folder: Path, how: str) -> None:
    tamper, kind, where = TAMPERED[how]
    tamper(folder)
    report = check(folder)
    assert not report.holds
    assert kind in {
        finding.kind for finding in report.findings if finding.path.endswith(where) or where in finding.path
    }


@pytest.mark.parametrize(
    "path", ["/etc/hostname", "../secret", "runs/../../secret", "C:\\x", "a//b", "./index.html", ""]
)
def test_a_path_that_leaves_the_folder_is_refused_and_never_read(folder: Path, path: str) -> None:
    secret = folder.parent / "secret"
    secret.write_text("secret")
    own = {"bytes": 6, "sha256": hashlib.sha256(b"secret").hexdigest()}
    _rewrite(folder / "manifest.json", lambda content: content["files"].update({path: own}))
    (finding,) = check(folder).findings
    assert (finding.kind, finding.path) == ("refused", path)


def test_a_linked_folder_is_not_walked_into(folder: Path, tmp_path: Path) -> None:
    run = _run(folder)
    run.rename(tmp_path / "elsewhere")
    run.symlink_to(tmp_path / "elsewhere")
    kinds = {finding.path: finding.kind for finding in check(folder).findings}
    assert kinds[f"runs/{run.name}/record.json"] == "refused"
    assert kinds[f"runs/{run.name}"] == "refused"


def test_an_id_that_cannot_be_computed_is_noted_and_is_not_a_fault(folder: Path) -> None:
    failed = _run(folder, "failed")
    for path in folder.glob("*/*/record.json"):
        if path.parent != failed:
            shutil.rmtree(path.parent)
    manifest.write(folder)
    report = check(folder)
    assert report.holds
    assert [(one.kind, "holds no code versions" in one.text) for one in report.findings] == [("note", True)]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"schema": 1}', '{"schema": 1, "files": {"a": 1}}',
     '{"schema": 1, "schema": 1, "files": {}}',
             "[" * 100_000],
)  # fmt: skip
def test_a_damaged_manifest_is_exit_code_4(inside: Cli, tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    found = inside("verify", tmp_path)
    assert (found.code, "is damaged" in found.err) == (4, True)


def test_the_command_reports_its_findings(inside: Cli, folder: Path) -> None:
    found = inside("verify", folder)
    assert (found.code, found.out.split(":")[0]) == (0, "As published")
    (folder / "index.html").write_text("\x1b[31mred")
    (folder / "\x1b[31mred").write_text("")
    found = inside("verify", folder / "manifest.json", "--json")
    assert found.code == 1
    assert [one["kind"] for one in json.loads(found.out)["findings"]] == ["changed", "extra"]
    shown = inside("verify", folder).out
    assert "Not as published: 2 findings" in shown
    assert "\x1b" not in shown
    _rewrite(folder / "manifest.json", lambda content: content.update(schema=99))
    assert (newer := inside("verify", folder)).code == 4
    assert "newer ganbench" in newer.err


@pytest.mark.parametrize("arguments", [[], ["--theory", "."], ["nowhere"], ["."]])
def test_wrong_use_without_a_manifest_or_with_both(inside: Cli, arguments: list[str]) -> None:
    assert inside("verify", *arguments).code == 2


def test_a_folder_with_links_gets_no_manifest(folder: Path) -> None:
    from ganbench.errors import UsageError

    (folder / "link").symlink_to(folder / "index.html")
    with pytest.raises(UsageError, match="links or special files"):
        manifest.write(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(runs=5),
        lambda content: content.update(suites=[{}]),
        lambda content: content["files"].update({"half \ud800": {"bytes": 1, "sha256": "a"}}),
        lambda content: content["files"].update({"a": {"bytes": 1.5, "sha256": "a"}}),
        lambda content: content["files"].update({"a": {"bytes": 1, "sha256": None}}),
    ],
)
def test_a_manifest_of_another_shape_is_damaged(
    inside: Cli, folder: Path, change: Callable[[dict[str, Any]], Any]
) -> None:
    _rewrite(folder / "manifest.json", change)
    done = inside("verify", folder)
    assert (done.code, done.err.count("\n")) == (4, 1)
    assert "manifest.json is damaged" in done.err


@pytest.mark.parametrize("change", [{"files": [1]}, {"files": 5}, {"provenance": {"plugins": {"a": {"code": [1]}}}}])
def test_a_record_of_another_shape_is_a_finding(inside: Cli, folder: Path, change: dict[str, Any]) -> None:
    reseal(_run(folder) / "record.json", lambda record: record.update(change))
    done = inside("verify", folder)
    assert done.code == 1
    assert "cannot be read" in done.out


def test_texts_of_a_folder_cannot_steer_the_terminal(inside: Cli, folder: Path) -> None:
    _rewrite(folder / "manifest.json", lambda content: content.update(suites=["\x1b[31mX"]))
    done = inside("verify", folder)
    assert "X" in done.out
    assert "\x1b" not in done.out + done.err
