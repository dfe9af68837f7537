"""What all tests share: scikit-learn's checks complete, and the faces where they are at hand."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from latentmap.cli import app

# Without it scikit-learn skips one of its checks; it must be set before SciPy is imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
# Some tests import Keras before latentmap could choose its engine.
os.environ.setdefault("KERAS_BACKEND", "jax")

FACES = Path(__file__).parents[1].parent / "shared" / "data" / "faces"


@pytest.fixture(scope="session")
def faces():
    """The folder of 400 faces, ten a person, beside the checkout."""
    if not FACES.is_dir():
        pytest.skip(f"the faces are not at {FACES}")
    return FACES


@pytest.fixture(scope="session")
def run():
    """Run a verb in this process; arguments are texts or paths."""

    def run(*arguments, code=0):
        result = CliRunner().invoke(
            app, [str(a) for a in arguments], env={"COLUMNS": "100"}, catch_exceptions=False
        )
        assert result.exit_code == code, result.output
        return result

    return run
