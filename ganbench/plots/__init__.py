"""Plots for papers and reports: training curves, samples, ranks, cost and modes, made from records."""
