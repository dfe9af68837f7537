from __future__ import annotations

import pytest


@pytest.mark.parametrize("kind", ["codes", "reconstructions", "plane", "loss"])
def test_each_kind_is_drawn(run, digits_model, tmp_path, kind):
    path = tmp_path / f"{kind}.png"
    result = run("plot", digits_model, "digits:unseen", "-o", path, "--kind", kind)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert f"Wrote {path}" in result.stderr


@pytest.mark.parametrize("color", ["error", "neighbors", "confidence"])
def test_codes_are_coloured_by_a_number_of_each_row(run, digits_model, tmp_path, color):
    path = tmp_path / f"{color}.png"
    run("plot", digits_model, "digits:unseen", "-o", path, "--color", color)
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("color", ["error", "neighbors"])
def test_codes_of_tables_are_coloured(run, wine_model, wine_csv, tmp_path, color):
    run("plot", wine_model, wine_csv, "-o", tmp_path / "a.png", "--color", color)
    assert (tmp_path / "a.png").is_file()


def test_the_loss_needs_no_rows(run, digits_model, tmp_path):
    run("plot", digits_model, "--kind", "loss", "-o", tmp_path / "loss.svg")
    assert (tmp_path / "loss.svg").is_file()


@pytest.mark.parametrize("kind", ["codes", "reconstructions"])
def test_tables_are_drawn(run, wine_model, wine_csv, tmp_path, kind):
    run("plot", wine_model, wine_csv, "-o", tmp_path / "a.pdf", "--kind", kind)
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["digits", "-o", "a.gif"], "expected one of the suffixes .png, .pdf, .svg"),
        (["digits", "-o", "a.png", "--kind", "plain"], "unknown kind 'plain', did you mean"),
        (["-o", "a.png"], "DATA: expected rows for --kind codes"),
        (["-o", "a.png", "--kind", "confidence"], "DATA: expected rows for --kind confidence"),
        (["-o", "a.png", "--kind", "plane"], "AutoEncoder is not a map"),
        (["-o", "a.png", "--kind", "density"], "density: expected a LatentMap, found AutoEncoder"),
        (
            ["digits", "-o", "a.png", "--kind", "confidence"],
            "confidence: expected a LatentMap, found AutoEncoder",
        ),
        (["digits", "-o", "a.png", "--color", "errors"], "unknown color 'errors', did you mean"),
        (
            ["digits", "-o", "a.png", "--color", "error", "--kind", "plane"],
            "--color error: expected --kind codes, found --kind plane",
        ),
        (
            ["digits", "-o", "a.png", "--color", "confidence"],
            "--color confidence: expected a LatentMap, found AutoEncoder",
        ),
        (["wine", "-o", "a.png"], "X has 13 features"),
        (["digits", "-o", "no/folder/a.png"], "does not exist"),
    ],
)
def test_invalid_arguments_are_reported(run, plain_model, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    result = run("plot", plain_model, *arguments, code=2)
    assert words in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_plane_of_a_table_is_rejected(run, wine_model, wine_csv, tmp_path):
    path = tmp_path / "a.png"
    result = run("plot", wine_model, wine_csv, "-o", path, "--kind", "plane", code=2)
    assert "expected a model of images" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["digits:unseen", "--kind", "confidence"],
        ["digits:unseen", "--kind", "density"],
        ["digits:unseen", "--kind", "plane"],
        ["--kind", "density"],
        ["--kind", "plane"],
    ],
)
def test_plots_of_maps_are_drawn(run, digits_model, tmp_path, arguments):
    run("plot", digits_model, *arguments, "-o", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
