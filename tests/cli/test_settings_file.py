"""Defaults from `ganbench.toml` and the environment, the groups of the help, mistyped commands, `run --quiet`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import Cli
from fabricate import Made, fabricate

from ganbench.cli import COMMANDS, cli
from ganbench.errors import UsageError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the results of a suite in `elsewhere`."""
    fabricate(tmp_path / "elsewhere", Made(losses=("minimax",), architectures=("mlp",), images=(), seeds=2))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GANBENCH_RESULTS", raising=False)
    return tmp_path


def _said(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, arguments)
    if isinstance(done.exception, UsageError):
        return done.exception.exit_code, str(done.exception)
    return done.exit_code, done.output


TABLE = ("table", "--suite", "fabricated", "--format", "csv")


def test_the_environment_names_the_results_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANBENCH_RESULTS", "elsewhere")
    assert _said(*TABLE)[1].count("minimax,mlp") == 6
    monkeypatch.setenv("GANBENCH_RESULTS", "nowhere")
    assert _said(*TABLE, "--results", "elsewhere")[0] == 0  # the command line comes first


def test_the_file_sets_defaults_for_every_command_and_for_one(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "ganbench.toml").write_text('results = "elsewhere"\n[table]\nmetric = ["HQ"]\nformat = "csv"\n')
    text = _said("table", "--suite", "fabricated")[1]
    assert text.startswith("suite,dataset,loss,")
    assert {line.split(",")[8] for line in text.splitlines()[1:]} == {"HQ"}
    assert "| minimax x mlp" in _said("table", "--suite", "fabricated", "--format", "markdown")[1]
    assert _said("plot", "samples", "--help")[1].count("elsewhere") == 1  # commands of commands have it too
    monkeypatch.setenv("GANBENCH_RESULTS", "nowhere")  # the environment comes before the file
    assert "nowhere" in _said("table", "--suite", "fabricated")[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('seeds = "0-3"', "'seeds' changes what is trained or measured; write it on the command line or in the suite"),
        ('[run]\nset = ["train.steps=5"]', "run: 'set' changes what is trained or measured"),
        ("jbos = 3", "no option 'jbos'. Did you mean 'jobs'?"),
        ('[tabel]\nformat = "csv"', "no command 'tabel'. Did you mean 'table'?"),
        ("[table]\njobs = 2", "table: no option 'jobs'"),
        ("[run]\njobs = [1]", "jobs must be one value, got [1]"),
        ('[run]\nquiet = "yes"', "quiet must be true or false, got 'yes'"),
        ('[run]\ntracker = "tensorboard"', "tracker must be a list, such as ['tensorboard']"),
        ('[run]\ncheckpoint = "soon"', "checkpoint: 'soon' is not a valid float"),
        ('[table]\nformat = "word"', "format: 'word' is not one of"),
        ("a = ", "it is not valid TOML"),
        ("timeout = " + "9" * 5_000, "it is not valid TOML"),
        ("timeout = " + "[" * 5_000, "it is not valid TOML"),
        ("plugin = [{a = 1}]", "plugin must be text or a number, got {'a': 1}"),
        ('results = "a\\u0000b"', "results must be text or a number"),
        ('results = ""', "results must be text or a number, got ''"),
        ("[run]\ncheckpoint = nan", "checkpoint must be a finite number, got nan"),
        ("[[run]]\njobs = 1", "'run' is a command; write its options below [run]"),
    ],
)
def test_a_wrong_file_is_one_sentence(here: Path, content: str, said: str) -> None:
    (here / "ganbench.toml").write_text(content)
    code, text = _said(*TABLE, "--results", "elsewhere")
    assert code == 2
    assert text.startswith("ganbench.toml: ")
    assert said in text
    assert "\n" not in text


def test_help_and_doctor_work_whatever_the_file_holds(here: Path, inside: Cli) -> None:
    (here / "ganbench.toml").write_text("a = ")
    for arguments in (("--help",), ("run", "-h"), ("version",)):
        done = subprocess.run([sys.executable, "-m", "ganbench", *arguments], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    (here / "ganbench.toml").write_text('\ufeffresults = "elsewhere"\n', encoding="utf-8")  # as Notepad writes it
    assert _said(*TABLE)[0] == 0
    (here / "ganbench.toml").unlink()
    (here / "ganbench.toml").mkdir()
    assert "ganbench.toml cannot be read: Is a directory" in _said(*TABLE)[1]


def test_a_mistyped_command_is_answered_with_the_nearest() -> None:
    code, text = _said("tabel")
    assert code == 2
    assert "no command 'tabel'. Did you mean 'table'?" in text


def test_the_help_has_every_command_once_in_a_group() -> None:
    text = _said("--help")[1]
    for name, about in COMMANDS.items():
        assert text.count(f"\n  {name} ") == 1
        assert " ".join(about.split()[:4]) in text
    titles = [line for line in text.splitlines() if line.endswith(":") and not line.startswith((" ", "Usage"))]
    assert titles == [
        "Options:",
        "Train and measure:",
        "Read and publish:",
        "Check and reproduce:",
        "Plugins:",
        "About:",
    ]


def test_a_shell_completes_commands_and_options() -> None:
    script = "import sys; sys.argv[0] = 'ganbench'; from ganbench.cli import main; main()"
    for words, wanted in (("ganbench ta", "plain,table"), ("ganbench table --so", "plain,--sort")):
        asked = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_GANBENCH_COMPLETE": "bash_complete"}
        done = subprocess.run(
            [sys.executable, "-c", script], env=os.environ | asked, capture_output=True, text=True, check=False
        )
        assert done.stdout.split() == [wanted], done.stderr


def test_a_quiet_run_prints_the_table_alone(inside: Cli, suite: Path) -> None:
    done = inside("run", "--suite", suite, "--quiet")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("# small\n")
