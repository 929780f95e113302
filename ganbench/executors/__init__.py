"""Ways to carry out jobs: worker processes on this machine."""
