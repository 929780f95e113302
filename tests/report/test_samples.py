"""Samples on a dataset's page: large, best first, beside real data, with the training of the best."""

from __future__ import annotations

from pathlib import Path

from fabricate import Made, fabricate
from visits import Visits, unfold

from ganbench.analysis import tables
from ganbench.api.results import open_results
from ganbench.report.html.content import Content
from ganbench.report.html.samples import progress_chart, sheets
from ganbench.results.store import Store

PUBLISHED = Path(__file__).parents[2] / "results/published"


def test_sheets_are_in_the_order_of_the_primary_score() -> None:
    results = open_results(PUBLISHED / "baseline", "baseline")
    content = Content(results.plan, results.store)
    table = content.table("digits")
    found = sheets(content, table)
    means = [one.row.scores[table.primary].mean or 0.0 for one in found.sheets]
    assert means == sorted(means)  # FID: lower is better
    assert len(means) == 4
    assert found.images
    assert found.real is not None
    assert found.real.title == "real data"
    assert found.best == found.sheets[0].run
    assert not sheets(content, content.table("ring8")).images
    chart = progress_chart(content, table)
    assert chart is not None
    assert "during training" in chart.name


def test_there_is_no_chart_of_quality_over_training_without_snapshots(tmp_path: Path) -> None:
    plan = fabricate(tmp_path, Made(architectures=("mlp",), seeds=5, snapshots=0))
    content = Content(plan, Store(tmp_path))
    assert [progress_chart(content, table) for table in content.tables] == [None] * len(content.tables)


def test_a_page_shows_samples_large_beside_real_data(visit: Visits, paths: dict[str, str]) -> None:
    visitor = visit(1400)
    page = visitor.go(paths["images"])
    pictures = page.locator(".sheets figure")
    first, second = pictures.nth(0), pictures.nth(1)
    assert first.get_attribute("class") == "real"
    assert first.bounding_box()["y"] == second.bounding_box()["y"]
    assert all(one.locator("img").bounding_box()["width"] >= 250 for one in (first, second))
    assert page.locator(".film").count() == 1
    assert page.locator("img[src$='neighbours.png']").count() == 1
    assert page.get_by_text("during training, mean over seeds").is_visible()
    unfold(page)
    assert page.locator(".gallery img:visible").count() > pictures.count()
    visitor.check_quiet()


def test_the_chart_of_quality_over_training_has_as_many_lines_as_there_are_colors(report: Path) -> None:
    results = open_results(report, "fabricated")
    content = Content(results.plan, results.store)
    table = next(one for one in tables.build(results.plan, results.store) if one.dataset == "digits")
    chart = progress_chart(content, table)
    assert chart is not None
    assert 1 < len(chart.legend) <= 8
    assert table.primary in chart.name
