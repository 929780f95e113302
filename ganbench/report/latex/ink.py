"""Texts as LaTeX with the width that they have in print, so that a table can be split before it is too wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from ganbench.report.text.escape import escape_latex, replace_controls

TEXT, SMALL = 8.0, 7.0
"""Points of the letters in tables, and of what stands beside a number."""
OPTICAL = {TEXT: 1.0625, SMALL: 1.14}
"""Computer Modern is wider, for its size, at small sizes."""
BOLD = 1.16
"""Bold letters are about so much wider."""
LETTERS = {
    200: "|", 275: ",.:;\\il", 325: "j", 350: " \xa0!'-[]`f", 375: "I", 400: "()rst", 425: '"', 450: "cez", 475: "?^",
    500: "$*/0123456789_ago{}", 525: "Jkqvxy", 550: "~", 575: "<>Sbdhnpu", 625: "LZ", 650: "F", 700: "EP",
    725: "BCTw", 750: "AHNRUVXY", 775: "&+=DKOQ", 800: "G", 850: "#%m", 925: "@M", 1025: "W",
}  # fmt: skip
"""Thousandths of the size -> the characters so wide, in Computer Modern or in Times, whichever is wider."""
_WIDTHS = {char: width for width, chars in LETTERS.items() for char in chars}
OTHER_WIDTH, WIDE = 800, 1000
BREAKS = "-_/=.,:;+|)]}"
"""A long word may be broken after these."""
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u ", "\u0307": ".",
    "\u0308": '"', "\u030a": "r ", "\u030b": "H ", "\u030c": "v ", "\u0327": "c ",
}  # fmt: skip
_LETTERS = {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "§": "S"}
_GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "", "pi", "rho", "", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
)  # fmt: skip
"""From U+03B1; TeX has no omicron, and the final sigma is another letter."""
_MATH = {chr(0x3B1 + i): f"\\{name}" for i, name in enumerate(_GREEK) if name} | {
    "Γ": r"\Gamma", "Δ": r"\Delta", "Θ": r"\Theta", "Λ": r"\Lambda", "Ξ": r"\Xi", "Π": r"\Pi", "Σ": r"\Sigma",
    "Φ": r"\Phi", "Ψ": r"\Psi", "Ω": r"\Omega", "\u2212": "-", "∞": r"\infty", "·": r"\cdot", "∇": r"\nabla",
    "²": "^2", "³": "^3",
}  # fmt: skip


def tex(text: str) -> str:
    """Text on one line that every TeX engine prints; of a script that pdfTeX does not have, pdfTeX prints `?`."""
    return "".join(map(_anywhere, escape_latex(text)))


def _anywhere(char: str) -> str:
    if char.isascii():
        return char
    if char in _MATH:
        return f"${_MATH[char]}$"
    if char in _LETTERS:
        return f"{{\\{_LETTERS[char]}}}"
    base, *marks = [*unicodedata.normalize("NFD", char)]
    if base.isascii() and base.isalpha() and len(marks) == 1 and marks[0] in _ACCENTS:
        return f"{{\\{_ACCENTS[marks[0]]}{base}}}"
    return f"\\gbother{{{char}}}"


def breakable(text: str, every: int = 10) -> str:
    """`tex` of a text in a paragraph: words of more than 16 characters may be broken, without a hyphen."""
    return " ".join(
        word if len(raw) <= 16 else r"\allowbreak{}".join(tex(part) for part in _parts(raw, every))
        for raw in replace_controls(text).split(" ")
        for word in (tex(raw),)
    )


def _parts(word: str, every: int) -> Iterator[str]:
    """A word in pieces of at most so many characters, that end at a mark of `BREAKS` where they can."""
    start = 0
    for end, letter in enumerate(word, 1):
        following = word[end : end + 1]
        mark = following in ("[", "(") or (letter in BREAKS and following not in BREAKS and not following.isdigit())
        if mark or end - start == every or end == len(word):
            yield word[start:end]
            start = end


@dataclass(frozen=True)
class Ink:
    """LaTeX, and its width in points."""

    tex: str = ""
    width: float = 0.0

    def __add__(self, other: Ink) -> Ink:
        return Ink(self.tex + other.tex, self.width + other.width)

    def __bool__(self) -> bool:
        return bool(self.tex)


NOTHING = Ink()


def width(text: str, size: float = TEXT, bold: bool = False) -> float:
    """Points of a text on one line, rather too many than too few."""
    return sum(map(_thousandths, text)) / 1000 * size * OPTICAL[size] * (BOLD if bold else 1)


def _thousandths(char: str) -> int:
    known = _WIDTHS.get(char)
    if known is not None:
        return known
    if unicodedata.combining(char):
        return 0
    return WIDE if unicodedata.east_asian_width(char) in "WF" else OTHER_WIDTH


def ink(text: str, size: float = TEXT, bold: bool = False) -> Ink:
    """A text that is printed verbatim."""
    return Ink(tex(text), width(replace_controls(text), size, bold))


def wrapped(text: str, room: float) -> list[str]:
    """A text on lines of at most `room` points, broken at spaces, after marks, or within words that are longer."""
    lines: list[str] = []
    line = ""
    for word in replace_controls(text).replace("\xd7 ", "\xd7\xa0").split(" "):
        joined = f"{line} {word}" if line else word
        if width(joined) <= room:
            line = joined
            continue
        if line:
            lines.append(line)
        line = word if width(word) <= room else ""
        if not line:
            *full, line = _broken(word, room)
            lines += full
    lines += [line] if line or not lines else []
    return [one.replace("\xa0", " ") for one in lines]


def _broken(word: str, room: float) -> list[str]:
    """A word that is too long, on lines."""
    lines = [""]
    for part in _parts(word, len(word)):
        if width(lines[-1] + part) <= room:
            lines[-1] += part
            continue
        lines += [""] if lines[-1] else []
        for char in part:
            if width(lines[-1] + char) > room and lines[-1]:
                lines.append("")
            lines[-1] += char
    return lines
