import time

import pytest

from latentmap import progress


def test_a_log_gets_a_line_with_the_time_left(capsys, monkeypatch):
    clock = iter([0.0, 1.0, 5.0, 9.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.progress("fitting", 10) as advance:
        advance(1)
        advance(1, note="loss 0.5")
        advance(8)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "fitting…",
        "fitting: 20%, 20 s left, loss 0.5",
        "fitting: 100%, 0 s left, loss 0.5",
    ]


def test_a_log_tells_what_is_waited_for_before_the_first_step(capsys, monkeypatch):
    clock = iter([0.0, 5.0, 9.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.progress("fitting", 10) as advance:
        advance(0)
        advance(0, note="compiling")
    told = ["fitting…", "fitting: 5 s so far", "fitting: 0%, compiling"]
    assert capsys.readouterr().err.splitlines() == told


def test_a_log_is_told_that_it_still_goes_on(capsys, monkeypatch):
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(progress, "_GLANCE", 0.01)
    with progress.progress("outer", 1), progress.progress("inner", 1, patient=True):
        time.sleep(0.3)
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "outer…"
    assert told[-1] == "inner: 0 s so far"
    assert "outer: 0 s so far" not in told[2:]


@pytest.mark.parametrize("terminal", [False, True])
def test_names_do_not_steer_the_terminal(capsys, monkeypatch, terminal):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    monkeypatch.setattr(progress, "QUIET_SECONDS", -1.0)
    with progress.progress("reading \x1b[2J.csv", 4) as advance:
        advance(1, note="\x1b]0;title\x07")
    told = capsys.readouterr().err
    assert "\x1b[2J" not in told and "\x1b]0" not in told
    assert "title" in told


def test_silence_is_silent(capsys):
    with progress.progress("fitting", 10, visible=False) as advance:
        advance(10)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with progress.progress("fitting", 4) as advance:
        advance(1, note="loss [0.1]")
        advance(3)
    out, err = capsys.readouterr()
    assert out == ""
    assert "fitting" in err
    assert "100 %" in err
    assert "loss [0.1]" in err  # the note stays until the next, and is no markup


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize(("seconds", "said"), [(1.0, False), (5.0, True)])
def test_a_patient_one_tells_only_of_what_takes_a_while(
    capsys, monkeypatch, terminal, seconds, said
):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    clock = iter([0.0, *[seconds] * 1000])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.progress("looking", 10, patient=True) as advance:
        advance(4, note="400 files")
    assert ("400 files" in capsys.readouterr().err) is said
