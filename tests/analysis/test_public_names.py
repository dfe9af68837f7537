import subprocess
import sys

import pytest

from latentmap import codes


@pytest.mark.parametrize("name", codes.__all__)
def test_every_public_name_is_there_and_told(name):
    member = getattr(codes, name)
    assert member.__name__ == name
    assert member.__doc__
    assert name in dir(codes)


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="no attribute 'compres'"):
        codes.compres  # noqa: B018


def test_importing_starts_nothing():
    code = "import latentmap.analysis, sys; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"keras", "jax", "faiss", "sklearn", "numpy"} & set(told.stdout.split())
