"""Packages that Keras imports for rarely called functions are imported when they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from latentmap.backend.postponed_imports import postpone_imports

WITHOUT_PANDAS = """
import sys
import latentmap
assert "keras" not in sys.modules
from latentmap import LatentMap
LatentMap(epochs=1, random_state=0).fit([[float(i), i % 3] for i in range(30)])
assert "keras" in sys.modules
names = {"pandas", "matplotlib.pyplot", "IPython", "jax.experimental.pallas.ops.tpu", "h5py"}
unused = names & set(sys.modules)
assert not unused, f"LatentMap imports {sorted(unused)}"
"""
WITH_PANDAS = """
import keras, numpy as np
import latentmap.networks
import pandas as pd
frame = pd.DataFrame(np.ones((8, 2)))
model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(frame, frame[0], verbose=0)

"""


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_fitting_does_not_import_unused_packages():
    result = run_python(WITHOUT_PANDAS)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("first", ["", "import latentmap.backend as b; b.start_engine()"])
def test_keras_fits_data_frames(first):
    result = run_python(first + WITH_PANDAS)
    assert result.returncode == 0, result.stderr


@pytest.fixture
def fresh_module(tmp_path, monkeypatch):
    """A module with a class that has not been imported, and is postponed."""
    (tmp_path / "fresh_module.py").write_text("class Frame: pass\nnumber = 7\n")
    monkeypatch.syspath_prepend(tmp_path)
    names = {"fresh_module": ("Frame",)}
    monkeypatch.setattr("latentmap.backend.postponed_imports._POSTPONED_NAMES", names)
    yield "fresh_module"
    sys.modules.pop("fresh_module", None)


def test_module_is_imported_by_the_first_use(fresh_module):
    with postpone_imports():
        import fresh_module as postponed
    assert "fresh_module" not in sys.modules
    assert postponed.number == 7
    assert sys.modules["fresh_module"].number == 7
    with pytest.raises(AttributeError, match="other"):
        postponed.other  # noqa: B018


def test_module_is_imported_by_use_in_the_block(fresh_module):
    with postpone_imports():
        import fresh_module as postponed

        assert postponed.number == 7
    assert sys.modules["fresh_module"].number == 7


def test_objects_are_recognised_by_a_postponed_class(fresh_module):
    with postpone_imports():
        from fresh_module import Frame as PostponedFrame
    assert not isinstance(1, PostponedFrame)
    from fresh_module import Frame

    assert Frame is not PostponedFrame
    assert isinstance(Frame(), PostponedFrame)


def test_imported_module_is_not_replaced(fresh_module):
    import fresh_module as imported

    with postpone_imports():
        import fresh_module as again
    assert again is imported


def test_postponed_class_creates_objects_of_the_imported_class(fresh_module):
    with postpone_imports():
        from fresh_module import Frame as PostponedFrame
    created = PostponedFrame()
    from fresh_module import Frame

    assert type(created) is Frame


def test_a_subclass_has_the_imported_class_as_its_base(fresh_module):
    with postpone_imports():
        from fresh_module import Frame as PostponedFrame

    class Special(PostponedFrame):
        def double(self):
            return 2 * super().__getattribute__("size")

    from fresh_module import Frame

    special = Special()
    special.size = 3
    assert issubclass(Special, Frame)
    assert special.double() == 6


OPENTSNE_AFTER_A_FIT = """
import sys
import numpy as np
from latentmap import LatentMap

rows = np.random.default_rng(0).normal(size=(40, 3))
LatentMap(epochs=1, random_state=0).fit(rows)
assert not {"sklearn.decomposition", "sklearn.neighbors", "scipy.stats"} & set(sys.modules)
from openTSNE import TSNE

tsne = TSNE(perplexity=5, n_iter=5, early_exaggeration_iter=5, initialization="pca", random_state=0)
assert tsne.fit(rows).shape == (40, 2)
"""


def test_opentsne_works_after_a_fit_that_needs_parts_of_it():
    result = run_python(OPENTSNE_AFTER_A_FIT)
    assert result.returncode == 0, result.stderr


SCIPY_AFTER_A_MAP = """
import latentmap.autoencoders
from latentmap.backend import postpone_imports
with postpone_imports():
    from scipy.spatial import cKDTree
import numpy as np
import scipy.sparse, scipy.spatial
operator = scipy.sparse.linalg.LinearOperator
assert isinstance(scipy.sparse.linalg.aslinearoperator(np.eye(2)), operator)
assert type(operator) is type
assert abs(scipy.spatial.distance.cdist([[0.0, 0.0]], [[3.0, 4.0]])[0, 0] - 5) < 1e-12
assert scipy.spatial.transform.Rotation.identity().as_quat()[3] == 1
assert scipy.sparse.linalg.norm(scipy.sparse.csr_array([[3.0, 4.0]])) == 5
assert np.ma.masked_equal([1, 2], 2).sum() == 1
assert np.polynomial.Polynomial([0, 2])(3) == 6
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
x = np.random.default_rng(0).normal(size=(60, 4))
assert PCA(2).fit_transform(x).shape == (60, 2)
RandomForestClassifier(n_estimators=4, n_jobs=2).fit(x, x[:, 0] > 0).predict(x)
"""


def test_other_packages_work_after_their_imports_were_postponed():
    result = run_python(SCIPY_AFTER_A_MAP)
    assert result.returncode == 0, result.stderr
