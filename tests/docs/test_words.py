"""The word lint refuses words that are never right, and nothing else."""

from __future__ import annotations

import pytest

from tools.words import findings


@pytest.mark.parametrize(
    "text",
    [
        "the judge",
        "is_judged",
        "JUDGES",
        "yardsticks",
        "a plugin of\nstrangers",
        "beyond noise",
        "mend it",
        "data sets",
    ],
)
def test_a_refused_word_is_found_with_its_line(text: str) -> None:
    (found,) = findings("page.md", f"first line\n{text}\n")
    assert found.line == 2
    assert "write:" in str(found)


def test_other_words_are_not() -> None:
    text = "prejudge, amend, recommended, metadata set, dataset, stranger, commend, the set of data"
    assert list(findings("page.md", text)) == []
