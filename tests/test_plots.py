"""`ganbench plot`: what is drawn is what the records say, in the same bytes; what is wrong is one sentence."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from fabricate import NASTY, Made, fabricate

from ganbench.analysis import series, tables
from ganbench.analysis.figure_data import variants
from ganbench.report.plots import cost, curves, mode_capture, modes, ranks, samples, style
from ganbench.report.plots.suite_plots import suite_plots
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan, load_plan

MADE = Made(losses=("minimax", "nonsaturating", "rpgan-r1r2"), architectures=("mlp",), seeds=5, snapshots=4)
MAGIC = {"svg": b"<?xml", "pdf": b"%PDF-", "png": b"\x89PNG\r\n"}
NONE = "\N{EN DASH}"
KINDS = {
    "curves": ("--dataset", "ring8"),
    "curves of scores": ("--dataset", "digits", "--metric", "FID[digits16]", "--band", "interval"),
    "samples": ("--dataset", "digits"),
    "samples as a film": ("--dataset", "ring8", "--film"),
    "ranks": ("--dataset", "digits"),
    "ranks over all": (),
    "cost": ("--dataset", "ring8", "--against", "samples"),
    "modes": ("--dataset", "ring8"),
    "modes captured": ("--captured",),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    fabricate(folder, MADE)
    return folder


@pytest.fixture
def layout(results: Path) -> SavedPlan:
    found = load_plan(results, MADE.suite)
    assert found is not None
    return found


@pytest.fixture
def plot(inside, results: Path):
    """`plot("ranks", "--dataset", "ring8", to="a.svg")`, of the made-up suite."""

    def run(kind: str, *arguments: object, to: Path | str = "plot.svg", suite: str | None = MADE.suite, folder=results):
        asked = ["--suite", suite] if suite else []
        return inside("plot", kind, *asked, "--results", folder, "--to", to, *arguments)

    return run


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_in_every_form_the_same_bytes_again(plot, tmp_path: Path, kind: str) -> None:
    for form, magic in MAGIC.items():
        done = plot(kind.split()[0], *KINDS[kind], to=f"plot.{form}")
        assert (done.code, done.out) == (0, f"plot.{form}\n"), done.err
        first = (tmp_path / f"plot.{form}").read_bytes()
        assert first.startswith(magic)
        assert plot(kind.split()[0], *KINDS[kind], to=f"again.{form}").code == 0
        assert (tmp_path / f"again.{form}").read_bytes() == first


def test_neither_another_process_nor_settings_of_the_user_change_a_byte(cli, plot, results, tmp_path: Path) -> None:
    assert plot("ranks", "--dataset", "ring8", to="here.pdf").code == 0
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nsvg.fonttype: none\nlines.linewidth: 9\n")
    asked = ["ranks", "--suite", MADE.suite, "--results", results, "--dataset", "ring8", "--to", "there.pdf"]
    done = cli("plot", *asked, MATPLOTLIBRC=str(tmp_path), PYTHONHASHSEED="7", TZ="Asia/Tokyo")
    assert done.code == 0, done.err
    assert (tmp_path / "there.pdf").read_bytes() == (tmp_path / "here.pdf").read_bytes()


@pytest.mark.parametrize(("width", "points"), [("column", 3.3 * 72), ("page", 6.8 * 72), ("5", 360)])
def test_a_plot_is_as_wide_as_a_column(plot, tmp_path: Path, width: str, points: float) -> None:
    for kind, arguments in KINDS.items():
        assert plot(kind.split()[0], *arguments, "--width", width).code == 0
        found = re.search(r'<svg [^>]*?width="([\d.]+)pt"', (tmp_path / "plot.svg").read_text(), re.DOTALL)
        assert found is not None
        assert float(found[1]) == pytest.approx(points)


def test_a_report_has_the_same_plots(inside, plot, results: Path, tmp_path: Path) -> None:
    assert inside("publish", "--suite", MADE.suite, "--results", results, "--to", "site").code == 0
    names = {path.name for path in (tmp_path / "site" / "plots").iterdir()}
    kinds = {
        f"{kind}-{dataset}.svg" for kind in ("ranks", "cost", "curves", "modes") for dataset in ("ring8", "digits")
    }
    assert names == {"overall.svg", "captured.svg"} | kinds
    for name in kinds:
        kind, _, dataset = name.removesuffix(".svg").partition("-")
        assert plot(kind, "--dataset", dataset).code == 0
        assert (tmp_path / "plot.svg").read_bytes() == (tmp_path / "site" / "plots" / name).read_bytes()
    for name, asked in (("overall.svg", ["ranks"]), ("captured.svg", ["modes", "--captured"])):
        assert plot(*asked, folder=tmp_path / "site").code == 0  # a published folder can be drawn too
        assert (tmp_path / "plot.svg").read_bytes() == (tmp_path / "site" / "plots" / name).read_bytes()
    page = (tmp_path / "site" / "datasets" / "ring8.html").read_text()
    assert set(re.findall(r'src="\.\./plots/([^"]+)"', page)) == {name for name in kinds if "ring8" in name}


def test_ranks_are_the_tables_rows_best_first(layout: SavedPlan, results: Path) -> None:
    for table in tables.build(layout, Store(results)):
        for score, better in table.columns.items():
            drawn = ranks.read(table, score)
            rows = {row.loss: row for row in table.variants}
            assert {row.name for row in drawn.rows} == set(rows)
            for row in drawn.rows:
                cell = rows[row.name].scores[score]
                assert (row.mean, row.low, row.high, row.values) == (cell.mean, cell.low, cell.high, cell.values)
                assert row.beside[1] == f"{rows[row.name].n_ok}/{rows[row.name].n}"
                assert row.beside[0] == str(rows[row.name].rank.get(score) or NONE)
            whole = [row.mean for row in drawn.rows if row.mean is not None and not rows[row.name].failed]
            others = [row.mean for row in drawn.rows if row.mean is not None and rows[row.name].failed]
            ordered = [*sorted(whole, reverse=better == "higher"), *sorted(others, reverse=better == "higher")]
            assert [row.mean for row in drawn.rows if row.mean is not None] == ordered


def test_the_front_of_cost_is_what_none_beats(layout: SavedPlan, results: Path) -> None:
    store = Store(results)
    for table in tables.build(layout, store):
        drawn = cost.read(table, layout, store)
        sign = 1 if drawn.better == "higher" else -1
        assert drawn.front
        for one in drawn.points:
            beaten = any(
                other is not one and other.mean[0] <= one.mean[0] and sign * other.mean[1] >= sign * one.mean[1]
                for other in drawn.points
            )
            assert one.front is not beaten
        for point in drawn.points:
            runs = next(
                r.runs
                for r in layout.rows
                if r.dataset.text == table.dataset and point.label.startswith(r.variant.loss.text)
            )
            records = [record for id_ in runs.values() if (record := store.run(id_)) and record["status"] == "ok"]
            assert point.costs == tuple(record["cost"]["train_seconds"] for record in records)
            assert point.values == tuple(record["metrics"][drawn.score] for record in records)


def test_curves_are_the_histories_and_a_seed_that_ended_is_marked(layout: SavedPlan, results: Path) -> None:
    store = Store(results)
    found, _ = variants(layout, store, "ring8")
    ended = 0
    for variant in found:
        found_series = series.signals(store, variant, ["diversity"]).get("diversity")
        if found_series is None:
            continue
        own = []
        for id_ in variant.runs.values():
            path = store.runs / id_ / "history.csv"
            if path.is_file():
                head, *rows = [line.split(",") for line in path.read_text().splitlines()]
                own.append([float(row[head.index("diversity")] or "nan") for row in rows])
        for values, wanted in zip(found_series.values, own, strict=True):
            np.testing.assert_array_equal(values[: len(wanted)], wanted)
            assert np.isnan(values[len(wanted) :]).all()
        low, high = found_series.band("range")
        assert (low <= found_series.mean).all()
        assert (found_series.mean <= high).all()
        ended += len(found_series.ends)
        statuses = [record["status"] for record in variant.records.values() if record]
        assert len(found_series.ends) == statuses.count("diverged")
    assert ended > 0


def test_an_interval_of_curves_is_students(layout: SavedPlan, results: Path) -> None:
    from scipy import stats

    values = np.random.default_rng(0).normal(size=(6, 3))
    values[5, 1] = np.nan
    low, high = series.Series(np.arange(3.0), values).band("interval")
    for step, own in enumerate(values.T):
        own = own[np.isfinite(own)]
        wanted = stats.t.interval(0.95, len(own) - 1, own.mean(), stats.sem(own))
        assert (low[step], high[step]) == pytest.approx(wanted)


def test_captured_modes_are_those_of_the_histograms(layout: SavedPlan, results: Path) -> None:
    store = Store(results)
    drawn = mode_capture.read(layout, store)
    assert [count for _, count, _ in drawn.datasets] == [8, 10]  # fewest modes first
    for dataset, count, by_variant in drawn.datasets:
        histograms = modes.read(layout, store, dataset)
        assert histograms.real.sum() == pytest.approx(1)
        for variant, seeds in zip(variants(layout, store, dataset)[0], by_variant, strict=True):
            records = [record["histogram"] for record in variant.good.values()]
            assert list(seeds) == [sum(n >= 0.1 * one["n"] / count for n in one["fake"]) for one in records]


def test_samples_show_each_seed_or_why_not(layout: SavedPlan, results: Path) -> None:
    drawn = samples.read(layout, Store(results), "ring8", width=6.8)
    assert drawn.header == tuple(f"seed {seed}" for seed in range(MADE.seeds))
    assert drawn.labels[-1] == "real data"
    words = {cell.word for row in drawn.cells for cell in row}
    assert {"diverged", ""} <= words
    assert all((cell.pixels is None) or cell.word == "" for row in drawn.cells for cell in row)
    narrow = samples.read(layout, Store(results), "ring8")
    assert len(narrow.header) < MADE.seeds
    assert narrow.limits == (f"{len(narrow.header)} of {MADE.seeds} seeds",)  # what is left out is said


def test_one_run_alone(plot, layout: SavedPlan) -> None:
    (id_, *_) = layout.rows[0].runs.values()
    assert plot("curves", "--run", id_[:8], "--signal", "d_loss", "--signal", "g_gradient", suite=None).code == 0
    done = plot("curves", "--run", "zzz", suite=None)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "no run 'zzz'" in done.err


@pytest.mark.filterwarnings("error")  # a layout that has no room
@pytest.mark.parametrize("kind", KINDS)
def test_names_and_texts_that_hold_markup_are_drawn(plot, report: Path, tmp_path: Path, kind: str) -> None:
    arguments = [NASTY[2] if one == "ring8" else NASTY[3] if one == "digits" else one for one in KINDS[kind]]
    done = plot(kind.split()[0], *arguments, folder=report)
    assert done.code == 0, done.err
    for element in ElementTree.parse(tmp_path / "plot.svg").iter():
        assert element.tag.rpartition("}")[2] not in ("script", "img", "foreignObject", "a")
        assert not [name for name in element.attrib if name.lower().startswith("on")]


@pytest.mark.parametrize(
    ("kind", "arguments", "said"),
    [
        ("ranks", ["--dataset", "ring9"], "no data set 'ring9'. Did you mean 'ring8'?"),
        ("cost", [], "several data sets; name one with --dataset: ring8, digits"),
        ("ranks", ["--dataset", "ring8", "--metric", "mode"], "no score 'mode'. Did you mean 'modes'?"),
        ("curves", ["--dataset", "ring8", "--signal", "g_los"], "no signal 'g_los'. Did you mean 'g_loss'?"),
        ("curves", ["--dataset", "ring8", "--variant", "minmax"], "no 'minmax' here. Did you mean 'minimax'?"),
        ("curves", ["--run", "ab"], "--run draws one run alone; leave out --suite"),
        ("modes", ["--captured", "--dataset", "ring8"], "leave out --dataset"),
        ("samples", ["--dataset", "ring8", "--width", "colum"], "write column, page, or inches"),
        ("samples", ["--dataset", "ring8", "--width", "900"], "2 to 30 inches"),
        ("samples", ["--dataset", "ring8", "--to", "a.jpg"], "a picture is a .png, .svg or .pdf file"),
        ("samples", ["--dataset", "ring8", "--to", "no/such/a.png"], "is no folder to write in"),
        ("ranks", ["--suite", "fabricatd"], "has not run in"),
        ("ranks", ["--results", "nothing"], "no results folder 'nothing'"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(plot, tmp_path: Path, kind, arguments, said) -> None:
    done = plot(kind, *arguments)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""
    assert list(tmp_path.glob("**/*.*")) == []


def test_no_suite_and_no_run_is_told(plot) -> None:
    done = plot("curves", suite=None)
    assert done.code == 2
    assert "name a suite with --suite, or one run with --run" in done.err


def test_a_damaged_history_and_picture_are_named(plot, tmp_path: Path) -> None:
    fabricate(tmp_path / "results", Made(losses=("minimax",), architectures=("mlp",), images=(), failures=False))
    layout = load_plan(tmp_path / "results", "fabricated")
    assert layout is not None
    folder = tmp_path / "results" / "runs" / layout.rows[0].runs[0]
    (folder / "history.csv").write_text("step,diversity\nx,y\n")
    (folder / "samples.png").write_bytes(b"\x89PNG nothing")
    for kind, name in (("curves", "history.csv"), ("samples", "samples.png")):
        done = plot(kind, folder=tmp_path / "results")
        assert done.code == 4
        assert str(folder / name) in done.err


def test_a_suite_without_a_run_has_no_plots(tmp_path: Path) -> None:
    fabricate(tmp_path, Made(losses=("minimax",), architectures=("mlp",), images=(), pictures=False))
    layout = load_plan(tmp_path, "fabricated")
    assert layout is not None
    for row in layout.rows:
        for id_ in row.runs.values():
            for path in (tmp_path / "runs" / id_).glob("*"):
                path.unlink()
    store = Store(tmp_path)
    assert suite_plots(layout, tables.build(layout, store), store, {"ring8": "ring8"}) == []


# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB
BLIND = {
    "none": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]


def _lab(colour: str, sight: str) -> np.ndarray:
    """A colour as somebody sees it, in CIELAB (D65)."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(BLIND[sight]) @ linear, 0, 1)
    x, y, z = (np.array(XYZ) @ seen) / [0.9505, 1.0, 1.089]
    fx, fy, fz = (t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29 for t in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


@pytest.mark.parametrize("sight", BLIND)
def test_variants_differ_by_colour_marker_and_dashes_for_everybody(sight: str) -> None:
    """A difference of about 2 can just be seen; far more where lines are thin."""
    drawn = style.looks(style.DISTINCT)
    for one, other in combinations(drawn, 2):
        assert one.marker != other.marker
        assert one.dashes != other.dashes
        assert np.linalg.norm(_lab(one.colour, sight) - _lab(other.colour, sight)) > 8, (one.colour, other.colour)


def test_many_variants_fit_a_page_and_what_is_left_out_is_said(inside, tmp_path: Path) -> None:
    architectures = tuple(f"mlp(width={width})" for width in range(8, 8 + 40))
    made = Made(losses=("minimax",), architectures=architectures, images=(), seeds=2, failures=False)
    fabricate(tmp_path / "results", made)
    for kind in ("curves", "samples", "ranks", "cost", "modes"):
        done = inside("plot", kind, "--suite", made.suite, "--results", "results", "--to", "many.svg")
        assert done.code == 0, done.err
        height = re.search(r'<svg [^>]*?height="([\d.]+)pt"', (tmp_path / "many.svg").read_text(), re.DOTALL)
        assert height is not None
        assert float(height[1]) < 11 * 72, kind
        if kind in ("curves", "samples", "modes"):
            assert "of 40 variants" in done.err
    content = load_plan(tmp_path / "results", made.suite)
    assert content is not None
    assert len(curves.read(content, Store(tmp_path / "results"), "ring8").labels) == curves.MOST
