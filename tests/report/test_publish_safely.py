"""`ganbench publish` with third-party results: nothing else is replaced, nothing outside is read or written."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest
from conftest import Cli, Ran
from fabricate import Made, fabricate
from factories import reseal, scores_file

from ganbench.report import publish as report_publish
from ganbench.suite.plan_file import SavedPlan, load_plan

pytestmark = pytest.mark.usefixtures("unpainted")
MADE = Made(losses=("minimax", "nonsaturating"), architectures=("mlp",), images=(), seeds=5)


class Publish(Protocol):
    """Publish the results of a test in this process."""

    def __call__(self, to: str | Path = "site") -> Ran: ...


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    fabricate(folder, MADE)
    return Path(folder)


@pytest.fixture
def results(made: Path, tmp_path: Path) -> Path:
    """Results of one's own, to be damaged."""
    return Path(shutil.copytree(made, tmp_path / "results"))


@pytest.fixture
def publish(inside: Cli, results: Path) -> Publish:
    return lambda to="site": inside("publish", "--suite", MADE.suite, "--results", results, "--to", to)


def _ids(results: Path) -> list[str]:
    layout = load_plan(results, MADE.suite)
    assert isinstance(layout, SavedPlan)
    return [id_ for row in layout.rows for id_ in row.runs.values()]


def _ok(results: Path) -> Path:
    """The folder of a run that finished."""
    folders = (results / "runs" / id_ for id_ in _ids(results))
    return next(
        path for path in folders
        if (path / "record.json").is_file() and json.loads((path / "record.json").read_text())["status"] == "ok"
    )  # fmt: skip


def test_only_an_earlier_report_is_replaced(publish: Publish, tmp_path: Path) -> None:
    mine = tmp_path / "extension"
    (mine / "src").mkdir(parents=True)
    (mine / "src" / "thesis.tex").write_text("mine")
    (mine / "manifest.json").write_text('{"manifest_version": 3}')  # as browsers' extensions have one
    done = publish(mine)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "contains files that are not part of" in done.err
    assert (mine / "src" / "thesis.tex").read_text() == "mine"


def test_what_was_added_to_a_report_is_not_lost(publish: Publish, tmp_path: Path) -> None:
    assert publish().code == 0
    (tmp_path / "site" / "CNAME").write_text("gans.example")
    done = publish()
    assert done.code == 2
    assert "CNAME" in done.err
    assert (tmp_path / "site" / "CNAME").exists()
    (tmp_path / "site" / "CNAME").unlink()
    (tmp_path / "site" / ".git").mkdir()
    (tmp_path / "site" / ".git" / "HEAD").write_text("history")
    assert publish().code == 0
    assert (tmp_path / "site" / ".git" / "HEAD").read_text() == "history"


def test_the_earlier_report_comes_back_where_an_exchange_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, new, aside = tmp_path / "site", tmp_path / "new", tmp_path / "aside"
    place.mkdir()
    (place / "index.html").write_text("earlier")
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if self == new:
            raise KeyboardInterrupt
        return rename(self, target)

    new.mkdir()
    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        report_publish._exchange(new, place, aside)
    assert (place / "index.html").read_text() == "earlier"


def test_what_a_killed_publish_left_is_put_back_or_cleared(publish: Publish, tmp_path: Path) -> None:
    assert publish().code == 0
    left = tmp_path / ".site-abcdef"
    left.mkdir()
    (tmp_path / "site").rename(left / "earlier")  # killed between its two renames
    report_publish._recover(tmp_path / "site")
    assert (tmp_path / "site" / "index.html").is_file()
    (left / "report").mkdir()
    os.utime(left, (time.time(), time.time() - 2 * report_publish.STALE_AFTER_S))
    assert publish().code == 0
    assert not left.exists()


def test_a_plan_cannot_lead_out_of_its_folder(publish: Publish, results: Path, tmp_path: Path) -> None:
    plan = results / MADE.suite / "plan.json"
    before = plan.read_text()
    for change in (
        lambda content: content.update(suite=str(tmp_path / "outside")),
        lambda content: content["rows"][0]["runs"].update({"0": "../../outside"}),
        lambda content: content["references"][0].update(id="../outside"),
        lambda content: content["rows"][0]["variant"].update(loss=7),
        lambda content: content["rows"][0]["dataset"].update(text="half \ud800 a letter"),
    ):
        plan.write_text(before)
        reseal(plan, change)
        done = publish()
        assert (done.code, done.err.count("\n")) == (4, 1), done.err
        assert "plan.json is damaged" in done.err
    plan.write_text("[" * 100_000)
    assert publish().code == 4
    assert {path.name for path in tmp_path.iterdir()} == {"results"}


def test_links_in_results_are_not_followed(publish: Publish, results: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("TOP SECRET")
    for name in ("traceback.txt", "history.csv", "neighbours.png"):
        (_ok(results) / name).unlink(missing_ok=True)
        (_ok(results) / name).symlink_to(secret)
    assert publish().code == 0
    assert not [path for path in (tmp_path / "site").rglob("*") if path.is_file() and b"SECRET" in path.read_bytes()]


DAMAGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no spec": lambda record: record.pop("spec"),
    "no provenance": lambda record: record.pop("provenance"),
    "a film of no frames": lambda record: record["film"].update(side="wide"),
    "files that are a list": lambda record: record.update(files=[1]),
    "a cost that is text": lambda record: record["cost"].update(train_seconds="long"),
    "a diagnosis of nothing": lambda record: record.update(diagnosis=[{}]),
    "plugins that are a list": lambda record: record["provenance"].update(plugins=[1]),
    "a reason that is a number": lambda record: record.update(reason=1),
}
DAMAGED_SCORES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no evaluation": lambda scores: scores.pop("evaluation"),
    "no provenance of scores": lambda scores: scores.pop("provenance"),
    "a metric that is text": lambda scores: scores["metrics"].update(modes="8"),
    "a metric without a card": lambda scores: scores["cards"].pop("modes"),
    "a card without its metric": lambda scores: scores["cards"]["modes"].pop("metric"),
    "a histogram of nothing": lambda scores: scores["histogram"].update(n=0),
    "snapshots that are a number": lambda scores: scores.update(snapshots=3),
    "scores with another id": lambda scores: scores.update(id="0" * 12),
}


@pytest.mark.parametrize("damage", [*DAMAGES, *DAMAGED_SCORES])
def test_a_damaged_record_is_named_and_nothing_is_published(
    publish: Publish, results: Path, tmp_path: Path, damage: str
) -> None:
    path = _ok(results) / "record.json" if damage in DAMAGES else scores_file(_ok(results))
    reseal(path, {**DAMAGES, **DAMAGED_SCORES}[damage])
    done = publish()
    assert (done.code, done.err.count("\n")) == (4, 1), done.err
    assert str(path) in done.err
    assert not (tmp_path / "site").exists()


def test_a_record_of_an_older_version_is_published(publish: Publish, results: Path) -> None:
    def older(record: dict[str, Any]) -> None:
        for key in ("film", "neighbours", "diagnosis"):
            record.pop(key)
        record["provenance"] = {"python": "3.11", "libraries": {"torch": "2.10"}}

    def older_scores(scores: dict[str, Any]) -> None:
        scores.pop("verdict"), scores.pop("histogram")
        scores["provenance"] = {"python": "3.11", "libraries": {"torch": "2.10"}}

    reseal(_ok(results) / "record.json", older)
    reseal(scores_file(_ok(results)), older_scores)
    done = publish()
    assert done.code == 0, done.err


def test_a_damaged_history_costs_its_curves_and_not_the_report(publish: Publish, results: Path, tmp_path: Path) -> None:
    (_ok(results) / "history.csv").write_text("step,diversity\n" + "1" * 200_000 + ",x\n")
    done = publish()
    assert done.code == 1  # it is there, and a file in it is not what its record says
    assert f"runs/{_ok(results).name}/history.csv does not match the checksum in its record" in done.err
    assert "curves-ring8.svg is left out" in done.err
    assert str(_ok(results) / "history.csv") in done.err
    assert not (tmp_path / "site" / "plots" / "curves-ring8.svg").exists()
    assert "curves-ring8.svg" not in (tmp_path / "site" / "datasets" / "ring8.html").read_text()


def test_a_diverged_run_shows_its_film(publish: Publish, results: Path, tmp_path: Path) -> None:
    folders = [results / "runs" / id_ for id_ in _ids(results)]
    records = {path: json.loads((path / "record.json").read_text()) for path in folders if path.is_dir()}
    lost = next(path for path, record in records.items() if record["status"] == "diverged")
    shutil.copy(_ok(results) / "film.png", lost / "film.png")
    reseal(lost / "record.json", lambda record: record.update(film=records[_ok(results)]["film"]))
    assert publish().code == 0
    page = (tmp_path / "site" / "runs" / lost.name / "index.html").read_text()
    assert 'class="film"' in page
    assert "samples.png" not in page


def test_a_variant_of_which_every_seed_failed_is_compared(publish: Publish, results: Path, tmp_path: Path) -> None:
    layout = load_plan(results, MADE.suite)
    assert layout is not None

    def fail(path: Path) -> None:
        failure = {"kind": "failed", "message": "boom"}
        reseal(path, lambda record: record.update(status="failed", reason="boom", files={}, failure=failure))
        shutil.rmtree(path.parent / "scores", ignore_errors=True)

    def finish(path: Path) -> None:
        reseal(
            path,
            lambda record: record.update({**source, "id": record["id"], "spec": record["spec"], "files": {}}),
        )
        own = path.parent / "scores" / scores.name
        own.parent.mkdir(exist_ok=True)
        own.write_text(scored)
        reseal(own, lambda content: content.update(run=path.parent.name, weights=None))

    rows = {
        row.variant.loss.text: [results / "runs" / id_ / "record.json" for id_ in row.runs.values()]
        for row in layout.rows
    }
    for path in rows["nonsaturating"]:
        if path.is_file():
            fail(path)
    source, scores = json.loads((_ok(results) / "record.json").read_text()), scores_file(_ok(results))
    scored = scores.read_text()
    for path in rows["minimax"]:  # all of the other one finished
        finish(path)
    assert publish().code == 0
    page = (tmp_path / "site" / "index.html").read_text()
    assert "Too few seeds" not in page
    assert "minimax x mlp is better than nonsaturating x mlp" in page
    for path in rows["minimax"]:
        fail(path)
    assert publish().code == 0


def test_a_table_leaves_a_published_folder_as_it_is(inside: Cli, publish: Publish, tmp_path: Path) -> None:
    assert publish().code == 0
    assert inside("table", "--suite", "quick", "--results", "site").code == 0
    assert inside("verify", "site").code == 0


def test_a_page_of_many_variants_stays_small(inside: Cli, tmp_path: Path) -> None:
    made = Made(
        losses=tuple(f"loss{number}" for number in range(14)),
        architectures=tuple(f"mlp(width={width})" for width in (16, 32, 64, 128, 256)),
        points=(), seeds=10, pictures=False, snapshots=0,
    )  # fmt: skip
    fabricate(tmp_path / "many", made)
    # compact: the pages of single runs, 700 here, do not grow with the number of variants
    assert inside("publish", "--suite", made.suite, "--results", "many", "--to", "site", "--compact").code == 0
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "site").rglob("*.html")}
    assert max(sizes.values()) < 1 << 20, max(sizes, key=sizes.__getitem__)


def test_a_record_that_was_edited_is_reported_when_it_is_published(publish: Publish, results: Path) -> None:
    reseal(_ok(results) / "record.json", lambda record: record["spec"]["train"].update(steps=10))
    done = publish()
    assert done.code == 1
    assert f"warning: runs/{_ok(results).name}/record.json its spec, code versions and protocol give the id" in done.err


@pytest.mark.parametrize("name", ["record.json", "scores", "plan.json"])
def test_an_edited_digit_is_noticed_and_nothing_is_published(
    inside: Cli, publish: Publish, results: Path, tmp_path: Path, name: str
) -> None:
    path = {
        "record.json": _ok(results) / "record.json",
        "scores": scores_file(_ok(results)),
        "plan.json": results / MADE.suite / "plan.json",
    }[name]
    content = json.loads(path.read_text())
    {
        "record.json": lambda: content["cost"].update(train_seconds=1.0),
        "scores": lambda: content["metrics"].update(modes=8.5),
        "plan.json": lambda: content["rows"][0]["runs"].pop("0"),
    }[name]()
    path.write_text(json.dumps(content))
    for done in (publish(), inside("table", "--suite", MADE.suite, "--results", results)):
        assert (done.code, done.err.count("\n")) == (4, 1), done.err
        assert f"{path} is damaged ($.seal: does not match" in done.err
    assert not (tmp_path / "site").exists()


def test_no_report_inside_another(publish: Publish, tmp_path: Path) -> None:
    assert publish().code == 0
    done = publish("site/inner")
    assert done.code == 2
    assert "is inside another report" in done.err
    assert not (tmp_path / "site" / "inner").exists()


def test_code_that_is_not_here_is_named(inside: Cli, tmp_path: Path) -> None:
    made = Made(losses=("minimax", "mine"), architectures=("mlp",), images=(), seeds=1, failures=False)
    fabricate(tmp_path / "own", made)
    done = inside("publish", "--suite", made.suite, "--results", "own", "--to", "site")
    assert done.code == 0
    assert "note: loss 'mine': not installed; --plugin FILE.py shows its source and citation" in done.err
