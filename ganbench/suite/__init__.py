"""From a suite file to a plan: which runs, with which settings. No torch."""
