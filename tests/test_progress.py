import re
import time

import pytest

from latentmap import progress


class Clock:
    """Clock whose time is set by the test."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress.time, "monotonic", clock)
    return clock


def test_log_has_lines_with_the_remaining_time(capsys, clock):
    with progress.progress("fitting", 10) as advance:
        clock.now = 1.0
        advance(1)
        clock.now = 5.0
        advance(1, note="loss 0.5")
        clock.now = 9.0
        advance(8)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "fitting…",
        "fitting: 20%, 32 s left, loss 0.5",
        "fitting: 100%, 0 s left, loss 0.5",
    ]


def test_log_shows_the_elapsed_time_before_the_first_step(capsys, clock):
    with progress.progress("fitting", 10) as advance:
        clock.now = 5.0
        advance(0)
        clock.now = 9.0
        advance(0, note="compiling")
    lines = ["fitting…", "fitting: 5 s so far", "fitting: 0%, compiling"]
    assert capsys.readouterr().err.splitlines() == lines


def test_log_of_a_long_task_has_fewer_lines(capsys, clock):
    with progress.progress("fitting", 1000) as advance:
        for second in range(1000):
            clock.now = float(second)
            advance(1)
    assert 40 < len(capsys.readouterr().err.splitlines()) < 60


def test_log_shows_only_the_innermost_task(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    monkeypatch.setattr(progress, "_REFRESH_SECONDS", 0.01)
    with progress.progress("outer", 1), progress.progress("inner", 1, delay=True):
        time.sleep(0.3)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "outer…"
    assert lines[-1] == "inner: 0 s so far"
    assert "outer: 0 s so far" not in lines[2:]


@pytest.mark.parametrize("terminal", [False, True])
def test_control_characters_are_not_printed(capsys, monkeypatch, terminal):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    monkeypatch.setattr(progress, "LINE_SECONDS", -1.0)
    with progress.progress("reading \x1b[2J.csv", 4) as advance:
        advance(1, note="\x1b]0;title\x07")
    lines = capsys.readouterr().err
    assert "\x1b[2J" not in lines and "\x1b]0" not in lines
    assert "title" in lines


def test_invisible_task_prints_nothing(capsys):
    with progress.progress("fitting", 10, verbose=False) as advance:
        advance(10)
    assert capsys.readouterr() == ("", "")


def test_terminal_shows_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with progress.progress("fitting", 4) as advance:
        advance(1, note="loss [0.1]")
        advance(3)
    out, err = capsys.readouterr()
    assert out == ""
    assert "fitting" in err
    assert "100 %" in err
    assert "loss [0.1]" in err  # The note is not interpreted as markup.


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize(("seconds", "shown"), [(1.0, False), (5.0, True)])
def test_delayed_task_is_shown_after_two_seconds(
    capsys, clock, monkeypatch, terminal, seconds, shown
):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    with progress.progress("looking", 10, delay=True) as advance:
        clock.now = seconds
        advance(4, note="400 files")
    assert ("400 files" in capsys.readouterr().err) is shown


@pytest.mark.parametrize("terminal", [False, True])
def test_remaining_time_ignores_a_slow_first_chunk(capsys, clock, monkeypatch, terminal):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    monkeypatch.setattr(progress, "LINE_SECONDS", -1.0)
    with progress.progress("fitting", 100) as advance:
        clock.now = 3.0
        advance(1)
        for _ in range(99):
            clock.now += 0.15
            advance(1)
    remaining_seconds = [float(n) for n in re.findall(r"(\d+) s left", capsys.readouterr().err)]
    assert remaining_seconds and max(remaining_seconds) <= 15


def test_a_notebook_shows_a_bar(monkeypatch):
    pytest.importorskip("IPython", reason="IPython is not installed")
    from IPython import display

    shown = []

    class Handle:
        def update(self, bar):
            shown.append(bar.data)

    def show(bar, display_id):
        shown.append(bar.data)
        return Handle()

    monkeypatch.setattr(progress, "_is_notebook", lambda: True)
    monkeypatch.setattr(progress, "_REFRESH_SECONDS", 0.0)
    monkeypatch.setattr(display, "display", show)
    with progress.progress("reading <b>", 4) as advance:
        advance(1, note="<i>")
        advance(3)
    assert 'reading &lt;b&gt; <progress value="0.000"' in shown[0]
    assert 'value="0.250"' in shown[1] and "&lt;i&gt;" in shown[1]
    assert 'value="1.000"' in shown[-1] and "100%" in shown[-1]


def test_a_short_task_of_a_notebook_shows_nothing(monkeypatch):
    pytest.importorskip("IPython", reason="IPython is not installed")
    from IPython import display

    monkeypatch.setattr(progress, "_is_notebook", lambda: True)
    monkeypatch.setattr(display, "display", lambda *_, **__: pytest.fail("a bar is shown"))
    with progress.progress("reading", 4, delay=True) as advance:
        advance(4)
