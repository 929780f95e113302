"""Plugins as `ganbench new` writes them, with `Template` and `template-name` for what a user calls them."""
