"""Markdown that a person wrote, as HTML that fits a report's page: no markup of its own, no style, no picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

from ganbench.report.text.escape import escape_controls

LOWEST = 6
"""The last level of headings."""


class _Renderer(RendererHTML):
    """Renders what the Content-Security-Policy of a report and a keyboard can take."""

    def image(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """A link to the picture: a report loads nothing from elsewhere."""
        address = str(tokens[idx].attrs.get("src", ""))
        return f'<a href="{escape(address)}">{escape(tokens[idx].content or address)}</a>'

    def table_open(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        number = sum(token.type == "table_open" for token in tokens[: idx + 1])
        return f'<div class="scroll" tabindex="0" role="region" aria-label="Table {number} of the notes"><table>\n'

    def table_close(self, *_: Any) -> str:
        return "</table></div>\n"

    def fence(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return f'<pre tabindex="0"><code>{escape(tokens[idx].content)}</code></pre>\n'

    def code_block(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return self.fence(tokens, idx)


def markdown_html(text: str) -> Markup:
    """CommonMark with tables as HTML, in which no text of its own is markup. Its headings begin at the second level."""
    reader = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    tokens = reader.parse(str(escape_controls(text)))
    for token in tokens:
        token.attrs.pop("style", None)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1:]) + 1, LOWEST)}"
    return Markup(reader.renderer.render(tokens, reader.options, {}))
