"""Figures for papers and reports, drawn by matplotlib."""
