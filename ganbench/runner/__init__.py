"""Jobs, worker processes and what watches them."""
