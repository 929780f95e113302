"""Numbers in, numbers out: tests, intervals, ranks."""
