"""The browsable report of a suite: pages made from records, for a folder of files or for a server."""

from ganbench.site.content import Content
from ganbench.site.pages import Site

__all__ = ["Content", "Site"]
