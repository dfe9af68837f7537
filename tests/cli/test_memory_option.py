import numpy as np
import pytest

from latentmap.data.memory import limit_bytes


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--memory", "lots"], "memory: expected a size such as 500MB, 4GB or 2GiB, found 'lots'"),
        (["--memory", "500MB"], "memory: expected a memory limit of at least 1.1 GB, found 0.5 GB"),
        (["--memory", "4GB", "--workers", "2"], "--memory: it does not apply to the processes"),
        (
            ["--memory", "4GB", "--continue", "m.safetensors"],
            "--memory: --continue reads all rows into memory",
        ),
        (["--ray", "auto", "--continue", "m.safetensors"], "--ray: not possible with --continue"),
        (
            ["--storage", "s", "--continue", "m.safetensors"],
            "--storage: not possible with",
        ),
    ],
)
def test_limits_that_do_not_apply_are_reported(process, options, sentence, tmp_path):
    fit = process("fit", "digits", *options, cwd=tmp_path)
    _, output = fit.communicate(timeout=60)
    assert fit.returncode == 2 and sentence in output and len(output.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("limit", "word"), [("lots", "found 'lots'"), ("500MB", "at least 1.1 GB")]
)
def test_the_environment_variable_is_checked_by_every_verb(process, limit, word, monkeypatch):
    monkeypatch.setenv("LATENTMAP_MEMORY", limit)
    info = process("info", "no.safetensors")
    _, output = info.communicate(timeout=60)
    assert info.returncode == 2 and word in output and len(output.splitlines()) == 1


@pytest.mark.parametrize("option", [["--workers", "2"], ["--continue", "m.safetensors"]])
def test_the_environment_variable_is_rejected_where_it_does_not_apply(run, option, monkeypatch):
    monkeypatch.setenv("LATENTMAP_MEMORY", "64GB")
    output = run("fit", "digits", *option, code=2).stderr
    assert "error: LATENTMAP_MEMORY: " in output
    assert option[0] in output


def test_too_many_rows_are_reported_before_they_are_read(process, tmp_path):
    np.lib.format.open_memmap(tmp_path / "many.npy", "w+", np.uint8, (10_000_000, 4))
    fit = process("fit", tmp_path / "many.npy", "--memory", "1.2GB", cwd=tmp_path)
    assert (
        "expected a memory limit of at least 1.6 GB, found 1.2 GB" in fit.communicate(timeout=60)[1]
    )


def test_a_limit_ends_with_the_command(run, tmp_path):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(60, 3)))
    options = ["-n", 1, "--epochs", 1, "--memory", "64GB", "-o", tmp_path / "m.safetensors"]
    run("fit", tmp_path / "rows.npy", *options)
    assert limit_bytes() is None
