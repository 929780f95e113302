"""Plugins as Python code names them: files, modules and classes, all of which stand for their file."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

from ganbench.errors import PLUGIN_ERRORS, UsageError

Plugin: TypeAlias = str | PathLike[str] | ModuleType | type
"""A plugin file, an imported module, or a class of one."""


def plugin_files(plugins: Iterable[Plugin]) -> tuple[Path, ...]:
    """The files of plugins, each once.

    A module or a class stands for the whole file that defines it: the file is loaded, and its hooks
    register the names. Raises `UsageError` for code that has no file of its own (the main script, a
    notebook cell), because a run's id contains the file's hash, and for a class that its file does
    not register.
    """
    if isinstance(plugins, str | PathLike | ModuleType | type):
        plugins = [plugins]
    return tuple(dict.fromkeys(_file(plugin) for plugin in plugins))


def _file(plugin: Plugin) -> Path:
    if isinstance(plugin, str | PathLike):
        return Path(plugin)
    if not isinstance(plugin, ModuleType | type):
        raise UsageError(
            f"plugins: {plugin!r} is not a file, a module or a class; pass the class itself, not an instance of it"
        )
    module = plugin if isinstance(plugin, ModuleType) else inspect.getmodule(plugin)
    what = f"module {plugin.__name__!r}" if isinstance(plugin, ModuleType) else f"class {plugin.__qualname__!r}"
    if module is None or module.__name__ == "__main__" or getattr(module, "__file__", None) is None:
        raise UsageError(
            f"{what} has no plugin file, and a run's id contains the hash of its plugin file: save it in a file, "
            "such as my_loss.py, and pass plugins=['my_loss.py']"
        )
    if not isinstance(plugin, ModuleType):
        _check_registered(plugin, module)
    return Path(str(module.__file__))


def _check_registered(plugin: type, module: ModuleType) -> None:
    """Raise `UsageError` if no hook of the module returns the class.

    A hook that fails is reported when it is loaded.
    """
    hooks = [value for value in vars(module).values() if hasattr(value, "ganbench_impl")]
    try:
        registered = any(plugin in hook().values() for hook in hooks)
    except PLUGIN_ERRORS:  # third-party code may raise anything
        return
    if not registered:
        raise UsageError(
            f"class {plugin.__qualname__!r} is not registered by {module.__file__}; return it from a hook there, such "
            "as register_losses"
        )
