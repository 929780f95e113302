"""The contracts of plugins, and their discovery."""
