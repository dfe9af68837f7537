from __future__ import annotations

import pytest

from latentmap.cli import console


def test_status_is_a_plain_line_in_a_log(capsys):
    with console.show_status("Reading [bold]rows.csv…"):
        pass
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["Reading [bold]rows.csv…"]


def test_messages_are_not_interpreted_as_markup(capsys):
    console.print_error("[/red] :smile: \x1b[31m" + "x" * 300)
    err = capsys.readouterr().err
    assert err.startswith("error: [/red] :smile: ")
    assert "x" * 300 in err
    assert "\x1b" not in err


def test_json_does_not_allow_nan():
    with pytest.raises(ValueError, match="not JSON compliant"):
        console.print_json({"mse": float("nan")})


def test_wide_values_wrap_inside_their_column(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    console.print_pairs("[title]", [("name", "word " * 20)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[title]"
    assert max(map(len, lines)) <= 40
