"""Tables and sentences as Markdown, CSV, LaTeX, JSON and on a terminal."""
