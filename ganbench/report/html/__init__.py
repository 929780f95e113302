"""The browsable report of a suite: pages made from records, for a folder of files or for a server."""

from ganbench.report.html.content import Content
from ganbench.report.html.pages import Site

__all__ = ["Content", "Site"]
