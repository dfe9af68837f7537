"""The adapter describes estimators of this library and of others, without Keras."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentmap.analysis.model_info import ModelInfo, model_fingerprint

ROWS = np.random.default_rng(0).normal(size=(60, 4))


class FakeMap:
    """Attributes of a fitted map of images."""

    row_shape_ = (2, 2)
    scale_ = np.float32(255)
    landmarks_ = np.zeros((3, 2))
    fit_report_ = {"label": "digit"}  # noqa: RUF012
    beta = 1.0

    def density(self, codes):
        return np.ones(len(codes))

    def confidence(self, X):
        return np.ones(len(X))

    def fingerprint(self):
        return "ab" * 32

    def get_feature_names_out(self):
        return np.array(["map0", "map1"], object)


def test_estimator_of_another_library():
    info = ModelInfo.from_estimator(PCA(3).fit(ROWS))
    assert (info.name, info.n_components, info.is_latentmap) == ("PCA", 3, False)
    assert info.row_shape is None
    assert info.feature_names is None
    assert not (info.is_map or info.has_confidence or info.has_image_rows or info.can_partial_fit)
    assert info.scale.tolist() == [1.0]
    assert model_fingerprint(PCA()) is None


def test_map_of_images():
    info = ModelInfo.from_estimator(FakeMap())
    assert info.is_map
    assert info.is_latentmap
    assert info.has_confidence
    assert info.has_image_rows
    assert info.is_variational
    assert (info.n_components, info.row_shape, info.label_column) == (2, (2, 2), "digit")
    assert info.scale.tolist() == [255.0]
    assert model_fingerprint(FakeMap()) == "ab" * 32


def test_feature_names_are_kept_as_texts():
    pd = pytest.importorskip("pandas")
    pca = PCA(1).fit(pd.DataFrame(ROWS, columns=["a", "b", "c", "d"]))
    assert ModelInfo.from_estimator(pca).feature_names == ("a", "b", "c", "d")


@pytest.mark.parametrize("package", ["analysis", "plots", "preprocessing", "data"])
def test_package_does_not_import_keras(package):
    code = (
        "import importlib, pkgutil, sys, latentmap.metrics\n"
        f"package = importlib.import_module('latentmap.{package}')\n"
        "for module in pkgutil.iter_modules(package.__path__):\n"
        "    importlib.import_module(f'{package.__name__}.{module.name}')\n"
        "print({'keras', 'jax', 'latentmap.autoencoders', 'latentmap.backend'} & set(sys.modules))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == "set()"
