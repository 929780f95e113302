"""The word lint: fails on words that are never right here (`docs/glossary.md`): `python -m tools.words`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent

WORDS = {
    r"judg(e|es|ed|ing)": "extractor, evaluator; to evaluate, to score",
    r"yardsticks?": "reference",
    r"of\s+strangers": "third-party, untrusted",
    r"beyond\s+(the\s+)?noise": "significantly",
    r"mend(s|ed|ing)?": "fix",
    r"data\s+sets?": "dataset",
}
"""What is refused, with what to write instead. An underscore ends a word, so identifiers are read too."""

PATTERN = re.compile("|".join(rf"(?<![a-z])(?P<w{i}>{word})(?![a-z])" for i, word in enumerate(WORDS)), re.IGNORECASE)
SUFFIXES = {".py", ".md", ".html", ".js", ".css", ".yaml", ".yml", ".toml", ".sh", ".ipynb", ""}
SKIPPED = (
    "results/published/",
    "benchmarks/results/",
    "LICENSE",
    "docs/glossary.md",
    "tools/words",
    "tests/docs/test_words",
)
"""Generated files, and those that name the words to refuse them."""
TITLES: tuple[str, ...] = ()
"""Quoted titles of publications that contain such a word."""


class Finding(NamedTuple):
    """A refused word at a line of a file."""

    path: str
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.word!r}; write: {self.instead}"


def findings(path: str, text: str) -> Iterator[Finding]:
    """Every refused word in a text."""
    for title in TITLES:
        text = text.replace(title, " " * len(title))
    replacements = list(WORDS.values())
    for match in PATTERN.finditer(text):
        assert match.lastgroup is not None
        number = next(i for i in range(len(WORDS)) if match[f"w{i}"] is not None)
        word = " ".join(match[0].split())
        yield Finding(path, text.count("\n", 0, match.start()) + 1, word, replacements[number])


def files() -> list[str]:
    """The repository's text files, as paths from its root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    names = sorted(set(listed.stdout.splitlines()))
    return [
        name
        for name in names
        if Path(name).suffix in SUFFIXES and not name.startswith(SKIPPED) and (ROOT / name).is_file()
    ]


def check() -> list[Finding]:
    """The findings in all files."""
    return [one for name in files() for one in findings(name, (ROOT / name).read_text(errors="replace"))]


def main() -> None:
    """Print the findings; exit code 1 if there are any."""
    found = check()
    for one in found:
        print(one)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
