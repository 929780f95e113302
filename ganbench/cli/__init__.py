"""The command line: one file per command, imported when the command is called."""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import logging
import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from ganbench._version import __version__
from ganbench.cli import settings_file
from ganbench.errors import GanbenchError, printable
from ganbench.formatting import suggestion
from ganbench.notices import LOG
from ganbench.stop_signals import handle_stop_signals

GROUPS = {
    "Train and measure": {
        "run": "Train every combination of a suite that is not trained yet, and print its table.",
        "status": "Show the progress of suites in one or several results folders: done, running, interrupted, missing.",
        "merge": "Join the results folders of several machines into one, and write the tables.",
        "evaluate": "Measure samples that were made elsewhere as a suite measures its own.",
        "sample": "Draw samples from a trained generator, and write them to files.",
        "train-extractor": "Train a small classifier of a dataset's images, to be the extractor of its scores.",
    },
    "Read and publish": {
        "table": "Print and write a suite's table from the results.",
        "compare": "Is A better than B, by how much, and is the difference more than noise?",
        "lottery": "How often do one, three or five seeds name the wrong winner? Drawn from runs with many.",
        "runs": "List the runs of a results folder: status, primary score, suites and size; filter and sort them.",
        "show": "Show one run in full.",
        "plot": "Draw figures for papers: curves, samples, ranks, tiers and more, as SVG, PDF, PNG or PGF.",
        "publish": "Write a suite's report: pages, tables, plots and records in one folder.",
        "serve": "Show the report in a browser, while a suite runs or afterwards.",
        "clean": "List, or remove, what is not needed in a results folder: runs of no plan, checkpoints, leftovers.",
        "drop": "Remove an added loss, architecture or dataset from a suite's table.",
    },
    "Check and reproduce": {
        "verify": "Check that a report is as it was published, or that the engine agrees with theory.",
        "replay": "Train one run again from its record and compare: bit-identical, within tolerance or different.",
        "diff": "Show what changed between two reports or results folders, worst first.",
        "doctor": "Check this installation; one line per finding, with a fix for what is wrong.",
    },
    "Plugins": {
        "list": "List losses, architectures, datasets, extractors, metrics, suites and trackers.",
        "new": "Write a plugin of your own: a file or a package that passes `ganbench check` as it is.",
        "check": "Check plugins of a file or by name: every fault with its rule and how to fix it.",
    },
    "About": {"version": "Print the version of ganbench."},
}
"""Every command with what it does, in the groups of the help."""
COMMANDS = {name: about for group in GROUPS.values() for name, about in group.items()}
WELCOME = f"""ganbench {__version__}: which GAN variant is better, by how much, and is the difference more than noise?

It trains every combination of loss x architecture x dataset x seed in one way, and measures it in one way.

  ganbench run --suite quick       a first table, in under a minute, no download
  ganbench run --suite baseline    the reference table, some minutes on two cores
  ganbench list                    what can be combined

A loss of your own:       ganbench new loss my-loss
All commands:             ganbench --help
Is everything in order?   ganbench doctor
"""


NO_SETTINGS = ("doctor", "version")
"""Commands that work whatever the settings file holds."""
HELP = frozenset({"-h", "--help"})
COLLECT = (50_000, 20, 50)
"""Objects until garbage is looked for: Python's own 700 cost a third of the time that 10,000 records take to read."""


class Terminated(BaseException):
    """Raised on SIGTERM and its like, which end a run as Ctrl-C does; its text says so."""


SAVED = "finished runs and the last checkpoints are saved; the same command continues from here"


class Commands(click.Group):
    """Commands by name, each imported when it is first needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = cmd_name.replace("-", "_")
        command: click.Command = importlib.import_module(f"ganbench.cli.{module}_command").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"no command {args[0]!r}{suggestion(args[0], list(COMMANDS))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for title, commands in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), about) for name, about in commands.items()])


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, prog_name="ganbench")
@click.pass_context
def cli(ctx: click.Context, verbose: bool) -> None:
    """Train GAN variants in one way, measure them in one way, compare them."""
    if ctx.invoked_subcommand is None:
        click.echo(WELCOME, nl=False)
    elif ctx.invoked_subcommand not in NO_SETTINGS and not HELP.intersection(sys.argv):
        ctx.default_map = settings_file.defaults(Path(), cli)


def main() -> NoReturn:
    """Run the command line. Every error is a sentence on stderr and an exit code."""
    handle_stop_signals(_terminated)
    gc.set_threshold(*COLLECT)
    atexit.unregister(_leave)
    atexit.register(_leave)  # before anything else registers, so that it comes last
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")  # arrows in tables, whatever the locale
    _show_notices()
    _Interrupted.code = 0
    try:
        code = cli.main(standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = _Interrupted.code = _say(f"interrupted{_saved()}", 130)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except GanbenchError as error:
        if "-v" in sys.argv or "--verbose" in sys.argv:
            traceback.print_exc()
        code = _say(str(error), error.exit_code)
    except Terminated as stop:
        code = _Interrupted.code = _say(f"{stop}{_saved()}", 143)
    except BrokenPipeError:
        sys.stderr.close()
        code = 141
    except OSError as error:
        if "-v" in sys.argv or "--verbose" in sys.argv:
            traceback.print_exc()
        code = _say(f"{error.filename or 'the system'}: {error.strerror or error}", 3)
    sys.exit(code if isinstance(code, int) else 0)


class _Interrupted:
    """The exit code of a command that was interrupted; 0 if none was."""

    code = 0


def _leave() -> None:
    """End an interrupted command at once: to take torch apart takes seconds on a busy machine."""
    if _Interrupted.code:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(_Interrupted.code)


class _OnStderr(logging.Handler):
    """Prints lines of a log on stderr, without control characters that names of files may hold."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(printable(record.getMessage()), err=True)


def _show_notices() -> None:
    """Let plugins say what takes long."""
    if not any(isinstance(one, _OnStderr) for one in LOG.handlers):
        LOG.addHandler(_OnStderr())
    LOG.setLevel(logging.INFO)


def _terminated(number: int, frame: FrameType | None) -> None:
    raise Terminated("terminated" if number == signal.SIGTERM else f"terminated by {signal.Signals(number).name}")


def _saved() -> str:
    """What an interrupted `run` has saved; nothing for other commands."""
    return f"; {SAVED}" if next((one for one in sys.argv[1:] if not one.startswith("-")), "") == "run" else ""


def _say(text: str, code: int) -> int:
    """Print an error on stderr, without control characters that it may quote from a third-party file."""
    print("\n".join(map(printable, f"ganbench: {text}".split("\n"))), file=sys.stderr)
    return code
