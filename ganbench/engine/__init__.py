"""Training: the alternating step, and the ways to run it for several seeds."""
