"""`ganbench plot`: the same bytes for the same records in every format, and one sentence for what is wrong."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from conftest import Cli, Ran
from fabricate import NASTY, Made, fabricate
from numpy.typing import NDArray

from ganbench.analysis import tables
from ganbench.analysis.figure_data.curves import MAX_VARIANTS, curves_info
from ganbench.report.plots import style
from ganbench.report.plots.samples import samples_info
from ganbench.report.plots.suite_plots import suite_plots
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan, load_plan

MADE = Made(losses=("minimax", "nonsaturating", "rpgan"), architectures=("mlp",), seeds=5, snapshots=4)
MAGIC = {"svg": b"<?xml", "pdf": b"%PDF-", "png": b"\x89PNG\r\n"}
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
    "tiers": (),
    "profile": (),
    "improvement": (),
}
AGAIN = ("ranks", "samples")
"""Lines and pictures, which are drawn twice in every format and at every width; the other kinds in one format."""
Plot = Callable[..., Ran]
Svg = Callable[..., bytes]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    fabricate(folder, MADE)
    return folder


@pytest.fixture(scope="module")
def plan(results: Path) -> SavedPlan:
    found = load_plan(results, MADE.suite)
    assert found is not None
    return found


@pytest.fixture
def plot(inside: Cli, results: Path) -> Plot:
    """`plot("ranks", "--dataset", "ring8", to="a.svg")`, of the made-up suite."""

    def run(
        kind: str,
        *arguments: object,
        to: Path | str = "plot.svg",
        suite: str | None = MADE.suite,
        folder: Path | str = results,
    ) -> Ran:
        asked = ["--suite", suite] if suite else []
        return inside("plot", kind, *asked, "--results", folder, "--to", to, *arguments)

    return run


@pytest.fixture(scope="module")
def drawn() -> dict[tuple[object, ...], bytes]:
    """The figures drawn so far by what was asked."""
    return {}


@pytest.fixture
def figure(plot: Plot, tmp_path: Path, drawn: dict[tuple[object, ...], bytes]) -> Svg:
    """The bytes of a figure; each is drawn once in this module."""

    def get(kind: str, *arguments: object, form: str = "svg") -> bytes:
        asked = (kind, *arguments, form)
        if asked not in drawn:
            done = plot(kind, *arguments, to=f"figure.{form}")
            assert (done.code, done.out) == (0, f"figure.{form}\n"), done.err
            drawn[asked] = (tmp_path / f"figure.{form}").read_bytes()
        return drawn[asked]

    return get


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_in_every_format_the_same_bytes_again(plot: Plot, figure: Svg, tmp_path: Path, kind: str) -> None:
    for form, magic in MAGIC.items():
        first = figure(kind.split()[0], *KINDS[kind], form=form)
        assert first.startswith(magic)
        if form != "svg" and kind not in AGAIN:
            continue
        done = plot(kind.split()[0], *KINDS[kind], to=f"again.{form}")
        assert (done.code, done.out) == (0, f"again.{form}\n"), done.err
        assert (tmp_path / f"again.{form}").read_bytes() == first


def test_neither_another_process_nor_settings_of_the_user_change_a_byte(
    cli: Cli, figure: Svg, results: Path, tmp_path: Path
) -> None:
    here = figure("ranks", "--dataset", "ring8", form="pdf")
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nsvg.fonttype: none\nlines.linewidth: 9\n")
    asked = ["ranks", "--suite", MADE.suite, "--results", results, "--dataset", "ring8", "--to", "there.pdf"]
    done = cli("plot", *asked, MATPLOTLIBRC=str(tmp_path), PYTHONHASHSEED="7", TZ="Asia/Tokyo")
    assert done.code == 0, done.err
    assert (tmp_path / "there.pdf").read_bytes() == here


@pytest.mark.parametrize(("width", "points"), [("column", 3.3 * 72), ("page", 6.8 * 72), ("5", 360)])
def test_a_figure_is_as_wide_as_asked(figure: Svg, width: str, points: float) -> None:
    for kind, arguments in KINDS.items():
        if width == "5" and kind not in AGAIN:
            continue
        asked = () if width == "column" else ("--width", width)
        found = re.search(rb'<svg [^>]*?width="([\d.]+)pt"', figure(kind.split()[0], *arguments, *asked), re.DOTALL)
        assert found is not None
        assert float(found[1]) == pytest.approx(points)


def test_a_report_has_the_same_figures(inside: Cli, plot: Plot, figure: Svg, results: Path, tmp_path: Path) -> None:
    assert inside("publish", "--suite", MADE.suite, "--results", results, "--to", "site").code == 0
    names = {path.name for path in (tmp_path / "site" / "plots").iterdir()}
    kinds = {
        f"{kind}-{dataset}.svg" for kind in ("ranks", "cost", "curves", "modes") for dataset in ("ring8", "digits")
    }
    of_all = {"overall.svg", "captured.svg", "tiers.svg", "profile.svg", "improvement.svg"}
    assert names == of_all | kinds  # six seeds are too few for a lottery
    for name in kinds:
        kind, _, dataset = name.removesuffix(".svg").partition("-")
        assert figure(kind, "--dataset", dataset) == (tmp_path / "site" / "plots" / name).read_bytes()
    commands = {"overall.svg": ["ranks"], "captured.svg": ["modes", "--captured"]}
    for name, asked in ({name: [name.removesuffix(".svg")] for name in of_all} | commands).items():
        assert plot(*asked, folder=tmp_path / "site").code == 0  # a published folder can be drawn too
        assert (tmp_path / "plot.svg").read_bytes() == (tmp_path / "site" / "plots" / name).read_bytes()
    page = (tmp_path / "site" / "datasets" / "ring8.html").read_text()
    assert set(re.findall(r'src="\.\./plots/([^"]+)"', page)) == {name for name in kinds if "ring8" in name}


def test_a_report_of_enough_seeds_has_the_lottery(inside: Cli, plot: Plot, tmp_path: Path) -> None:
    many = Made(losses=("minimax", "hinge"), architectures=("mlp",), images=(), seeds=8, pictures=False)
    fabricate(tmp_path / "eight", many)
    done = inside("publish", "--suite", many.suite, "--results", "eight", "--to", "site")
    assert done.code == 0
    assert plot("lottery", folder=tmp_path / "eight").code == 0
    assert (tmp_path / "plot.svg").read_bytes() == (tmp_path / "site" / "plots" / "lottery.svg").read_bytes()
    assert not (tmp_path / "site" / "plots" / "profile.svg").exists()  # there is one dataset
    assert "left out" not in done.err


def test_samples_show_each_seed_or_why_not(plan: SavedPlan, results: Path) -> None:
    info = samples_info(plan, Store(results), "ring8", width=6.8)
    assert info.header == tuple(f"seed {seed}" for seed in range(MADE.seeds))
    assert info.labels[-1] == "real data"
    words = {cell.word for row in info.cells for cell in row}
    assert {"diverged", ""} <= words
    assert all((cell.pixels is None) or cell.word == "" for row in info.cells for cell in row)
    narrow = samples_info(plan, Store(results), "ring8")
    assert len(narrow.header) < MADE.seeds
    assert narrow.limits == (f"{len(narrow.header)} of {MADE.seeds} seeds",)


def test_one_run_alone(plot: Plot, plan: SavedPlan) -> None:
    (run_id, *_) = plan.rows[0].runs.values()
    assert plot("curves", "--run", run_id[:8], "--signal", "d_loss", "--signal", "g_gradient", suite=None).code == 0
    done = plot("curves", "--run", "zzz", suite=None)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "no run 'zzz'" in done.err


@pytest.mark.filterwarnings("error")  # of a layout without room
@pytest.mark.parametrize("kind", KINDS)
def test_names_and_texts_that_hold_markup_are_drawn(plot: Plot, report: Path, tmp_path: Path, kind: str) -> None:
    arguments = [NASTY[2] if one == "ring8" else NASTY[3] if one == "digits" else one for one in KINDS[kind]]
    done = plot(kind.split()[0], *arguments, folder=report)
    assert done.code == 0, done.err
    for element in ElementTree.parse(tmp_path / "plot.svg").iter():
        assert element.tag.rpartition("}")[2] not in ("script", "img", "foreignObject", "a")
        assert not [name for name in element.attrib if name.lower().startswith("on")]


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("ranks", ["--dataset", "ring9"], "no dataset 'ring9'. Did you mean 'ring8'?"),
        ("cost", [], "several datasets; name one with --dataset: ring8, digits"),
        ("ranks", ["--dataset", "ring8", "--metric", "mode"], "no score 'mode'. Did you mean 'modes'?"),
        ("curves", ["--dataset", "ring8", "--signal", "g_los"], "no signal 'g_los'. Did you mean 'g_loss'?"),
        ("curves", ["--dataset", "ring8", "--variant", "minmax"], "no 'minmax' here. Did you mean 'minimax'?"),
        ("curves", ["--run", "ab"], "--run draws a single run; leave out --suite"),
        ("modes", ["--captured", "--dataset", "ring8"], "leave out --dataset"),
        ("samples", ["--dataset", "ring8", "--width", "colum"], "write column, page, or a number of inches"),
        ("samples", ["--dataset", "ring8", "--width", "900"], "2 to 30 inches"),
        ("samples", ["--dataset", "ring8", "--to", "a.jpg"], "unsupported format '.jpg'; use .png, .svg, .pdf or .pgf"),
        ("samples", ["--dataset", "ring8", "--to", "no/such/a.png"], "is not a writable folder"),
        ("ranks", ["--suite", "fabricatd"], "has not run in"),
        ("ranks", ["--results", "nothing"], "no results folder 'nothing'"),
    ],
)
def test_what_is_wrong_is_reported_in_one_sentence(
    plot: Plot, tmp_path: Path, kind: str, arguments: list[str], message: str
) -> None:
    done = plot(kind, *arguments)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""
    assert list(tmp_path.glob("**/*.*")) == []


def test_no_suite_and_no_run_is_reported(plot: Plot) -> None:
    done = plot("curves", suite=None)
    assert done.code == 2
    assert "name a suite with --suite, or one run with --run" in done.err


def test_a_damaged_history_and_picture_are_named(plot: Plot, tmp_path: Path) -> None:
    fabricate(tmp_path / "results", Made(losses=("minimax",), architectures=("mlp",), images=(), failures=False))
    plan = load_plan(tmp_path / "results", "fabricated")
    assert plan is not None
    folder = tmp_path / "results" / "runs" / plan.rows[0].runs[0]
    (folder / "history.csv").write_text("step,diversity\nx,y\n")
    (folder / "samples.png").write_bytes(b"\x89PNG nothing")
    for kind, name in (("curves", "history.csv"), ("samples", "samples.png")):
        done = plot(kind, folder=tmp_path / "results")
        assert done.code == 4
        assert str(folder / name) in done.err


def test_a_suite_without_a_run_has_no_figures(tmp_path: Path) -> None:
    fabricate(tmp_path, Made(losses=("minimax",), architectures=("mlp",), images=(), pictures=False))
    plan = load_plan(tmp_path, "fabricated")
    assert plan is not None
    for row in plan.rows:
        for run_id in row.runs.values():
            shutil.rmtree(tmp_path / "runs" / run_id, ignore_errors=True)  # some have not run
    store = Store(tmp_path)
    assert suite_plots(plan, tables.build(plan, store), store, {"ring8": "ring8"}) == []


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


def _lab(color: str, sight: str) -> NDArray[np.float64]:
    """A color as somebody sees it, in CIELAB (D65)."""
    rgb = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(BLIND[sight]) @ linear, 0, 1)
    x, y, z = (np.array(XYZ) @ seen) / [0.9505, 1.0, 1.089]
    fx, fy, fz = (t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29 for t in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


@pytest.mark.parametrize("sight", BLIND)
def test_variants_differ_by_color_marker_and_dashes_for_everybody(sight: str) -> None:
    """A difference of about 2 can just be seen; far more where lines are thin."""
    drawn = style.looks(style.DISTINCT)
    for one, other in combinations(drawn, 2):
        assert one.marker != other.marker
        assert one.dashes != other.dashes
        assert np.linalg.norm(_lab(one.color, sight) - _lab(other.color, sight)) > 8, (one.color, other.color)


def test_many_variants_fit_a_page_and_what_is_left_out_is_reported(inside: Cli, tmp_path: Path) -> None:
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
    plan = load_plan(tmp_path / "results", made.suite)
    assert plan is not None
    assert len(curves_info(plan, Store(tmp_path / "results"), "ring8").labels) == MAX_VARIANTS
