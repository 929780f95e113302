"""Writes new plugins: files and packages that pass the conformance kit as they are."""
