import subprocess
import sys

import pytest

from latentmap import analysis


@pytest.mark.parametrize("name", analysis.__all__)
def test_every_public_name_is_defined_and_documented(name):
    member = getattr(analysis, name)
    assert member.__name__ == name
    assert member.__doc__
    assert name in dir(analysis)


def test_unknown_name_raises():
    with pytest.raises(AttributeError, match="no attribute 'compres'"):
        analysis.compres  # noqa: B018


def test_import_is_light():
    code = "import latentmap.analysis, sys; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"keras", "jax", "faiss", "sklearn", "numpy"} & set(result.stdout.split())
