"""Conclusions as text, plots, pages and a server. No torch."""
