"""Tables for papers as LaTeX: sheets of cells with known widths, split so that nothing is scaled down."""
