"""The command ``latentmap fit --checkpoint``, killed at random moments and started again."""

import contextlib
import random
import subprocess
import sys
import time

import pytest

# The command saves a checkpoint at most every ten seconds, which is longer than this fit.
SCRIPT = """
from latentmap import Checkpoints
from latentmap.cli import app
from latentmap.training import loop

Checkpoints.__init__.__kwdefaults__["seconds"] = 0.0
loop.CHUNK_STEPS = 8
app()
"""


def start(folder, name):
    options = ["--epochs", "60", "-o", f"{name}.safetensors", "--checkpoint", f"{name}-checkpoint"]
    command = [sys.executable, "-c", SCRIPT, "fit", "digits", *options]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_command_ends_with_the_same_model(tmp_path):
    begin = time.monotonic()
    with start(tmp_path, "expected") as process:
        assert process.wait() == 0, process.stderr.read()
    seconds, rng, checkpoints = time.monotonic() - begin, random.Random(0), 0
    for _ in range(3):
        with start(tmp_path, "resumed") as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(rng.uniform(0.3, 0.9) * seconds)
            process.kill()
        checkpoints += (tmp_path / "resumed-checkpoint").exists()
    assert checkpoints > 0
    with start(tmp_path, "resumed") as process:
        assert process.wait() == 0, process.stderr.read()
    expected = (tmp_path / "expected.safetensors").read_bytes()
    assert (tmp_path / "resumed.safetensors").read_bytes() == expected
    assert not (tmp_path / "resumed-checkpoint").exists()
