from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from latentmap.cli import app, info
from latentmap.cli.commands import VERBS, load_verb


def test_help_and_import_take_less_than_half_a_second(process):
    seconds = []
    for _ in range(3):  # Processor time is compared because the machine may be busy.
        before = child_processor_seconds()
        out, _ = process("--help").communicate(timeout=30)
        seconds.append(child_processor_seconds() - before)
    assert "evaluate" in out
    assert min(seconds) < 0.5


def child_processor_seconds():
    """Return the processor time of all child processes that have ended, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_help_imports_no_heavy_modules(process):
    _, err = process("--help", python=["-X", "importtime"]).communicate(timeout=30)
    loaded = {line.rpartition("|")[2].strip() for line in err.splitlines()}
    assert "typer" in loaded
    assert not loaded & {"numpy", "sklearn", "matplotlib", "keras", "jax", "pyarrow"}
    assert not loaded & {f"latentmap.cli.{module}" for module, _ in VERBS.values()}


@pytest.mark.parametrize("name", VERBS)
def test_the_list_of_verbs_shows_the_first_line_of_each_help(name):
    assert load_verb(name).help.splitlines()[0] == VERBS[name][1]


def test_version(run):
    from latentmap import __version__

    assert run("--version").stdout == f"latentmap {__version__}\n"


def test_a_missing_file_is_reported_in_one_line_with_exit_code_2(process, nonsense):
    child = process("info", nonsense / "missing.safetensors")
    out, err = child.communicate(timeout=60)
    assert child.returncode == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "missing.safetensors: no such file" in err


def test_ctrl_c_is_reported_in_one_line_with_exit_code_130(process, tmp_path):
    child = process("fit", "digits", "--epochs", 100_000, cwd=tmp_path)
    assert any("Fitting" in line for line in iter(child.stderr.readline, ""))
    time.sleep(1)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in err
    assert err.rstrip().splitlines()[-1].startswith("error: stopped by Ctrl-C")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fti", "mnist"], "Did you mean 'fit'?"),
        (["fit"], "Missing argument 'DATA' (see latentmap fit --help)"),
        (["fit", "digits", "--epoch", "3"], "--epochs"),
        (["fit", "digits", "--epochs", "three"], "'--epochs'"),
        (["fit", "digits", "-n", "0"], "'-n' / '--components'"),
        (["encode", "model.safetensors", "rows.csv"], "Missing option '-o' / '--output'"),
    ],
)
def test_usage_errors_mention_help(run, arguments, words):
    result = run(*arguments, code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert words in result.stderr
    assert "--help)" in result.stderr


def test_no_verb_shows_help(run):
    assert "Usage: latentmap" in run(code=2).output


def test_a_bug_keeps_its_traceback(monkeypatch):
    def fail(_):
        raise RuntimeError("a defect")

    monkeypatch.setattr(info, "read_model_summary", fail)
    result = CliRunner().invoke(app, ["info", "x.safetensors"])
    assert isinstance(result.exception, RuntimeError)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_shows_an_example(run, verb):
    result = run(verb, "--help")
    assert f"latentmap {verb} " in result.stdout.split("Examples:")[1] + " "


@pytest.mark.slow
def test_ctrl_c_in_a_callback_is_raised_again():
    script = """
import gc, signal, sys, time
from latentmap import cli

def interrupted(*_):
    gc.callbacks.remove(interrupted)
    raise KeyboardInterrupt

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.unraisablehook = cli._unraisable_hook
gc.callbacks.append(interrupted)
gc.collect()
try:
    time.sleep(20)
except KeyboardInterrupt:
    print("stopped")
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout == "stopped\n"
    assert result.stderr == ""


def test_brackets_in_help_are_not_markup(run):
    assert "latentmap[ray]" in " ".join(run("fit", "--help").stdout.replace("│", " ").split())


def test_a_failed_allocation_is_reported_in_one_line(monkeypatch, run):
    def fail(_):
        raise MemoryError

    monkeypatch.setattr(info, "read_model_summary", fail)
    error = run("info", "x.safetensors", code=2).stderr
    assert (
        error
        == "error: the memory is not enough for this command: set a limit with LATENTMAP_MEMORY\n"
    )
