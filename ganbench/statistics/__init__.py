"""Statistical tests, intervals and ranks of plain numbers."""
