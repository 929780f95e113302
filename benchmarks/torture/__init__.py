"""Faults injected into real runs and into every kind of file, and what they cost: the table of docs/reliability.md."""
