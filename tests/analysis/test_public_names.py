import subprocess
import sys

import pytest

from latentmap import analysis


@pytest.mark.parametrize("name", analysis.__all__)
def test_every_public_name_is_there_and_told(name):
    member = getattr(analysis, name)
    assert member.__name__ == name
    assert member.__doc__
    assert name in dir(analysis)


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="no attribute 'compres'"):
        analysis.compres  # noqa: B018


def test_importing_starts_nothing():
    code = "import latentmap.analysis, sys; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"keras", "jax", "faiss", "sklearn", "numpy"} & set(told.stdout.split())
