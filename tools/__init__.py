"""Tools of the repository: generated documentation, quoted tables, the word lint."""
