"""Complex and non-finite numbers, wherever they enter, and random inputs."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.sparse import csr_array
from sklearn.datasets import load_iris

from latentmap import AutoEncoder, LatentMap, Training, VariationalAutoEncoder
from latentmap.data import open_data
from latentmap.errors import LatentmapError
from latentmap.maps.neighbor_graph import NeighborGraph

X = load_iris().data[::3]
BAD = {"complex": 1j, "NaN": np.nan, "infinity": np.inf}
FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def models():
    return AutoEncoder(2, epochs=1, random_state=0).fit(X), LatentMap(epochs=1).fit(X)


def put(value, rows):
    """Return a copy of rows with one bad value."""
    rows = np.array(rows, complex if isinstance(value, complex) else float)
    rows[3, 1] = value
    return rows


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
@pytest.mark.parametrize("estimator", [AutoEncoder, VariationalAutoEncoder, LatentMap])
@pytest.mark.parametrize("convert", [np.asarray, np.ndarray.tolist, csr_array, pd.DataFrame])
def test_bad_rows_are_not_fitted(estimator, convert, value):
    if convert is pd.DataFrame and np.isnan(value):
        pytest.skip("NaN is a missing value of a table")
    with pytest.raises(LatentmapError):
        estimator(2, epochs=1).fit(convert(put(value, X)))


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_bad_rows_and_codes_are_refused_by_methods(models, value):
    rows, codes = put(value, X), put(value, np.zeros((5, 2)))
    for model in models:
        for method in ("transform", "reconstruction_error", "score"):
            with pytest.raises(LatentmapError):
                getattr(model, method)(rows)
        with pytest.raises(LatentmapError):
            model.inverse_transform(codes)
    for method in ("confidence", "partial_fit"):
        with pytest.raises(LatentmapError):
            getattr(models[1], method)(rows)
    with pytest.raises(LatentmapError):
        models[1].density(codes)


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_bad_layouts_and_neighbors_are_refused(value):
    with pytest.raises(LatentmapError):
        LatentMap().fit(X, layout=put(value, X[:, :2]))
    indices = (np.arange(len(X))[:, None] + np.arange(1, 5)) % len(X)
    for neighbors in ((indices, put(value, indices)), (put(value, indices), np.ones((50, 4)))):
        with pytest.raises(LatentmapError):
            NeighborGraph.from_user(neighbors, len(X))


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        *((AutoEncoder, name) for name in ("n_components", "network", "loss", "scaling")),
        *((LatentMap, name) for name in ("n_components", "epochs", "n_neighbors", "metric")),
        *((LatentMap, name) for name in ("placement", "random_state", "training")),
        (VariationalAutoEncoder, "beta"),
        *((Training, name) for name in Training().get_params()),
    ],
)
def test_bad_parameters_are_refused(estimator, name, value):
    if estimator is Training:
        model = AutoEncoder(2, training=Training(**{name: value}))
    else:
        model = estimator(**{name: value})
    with pytest.raises(LatentmapError):
        model.fit(X)


@FEW
@given(
    arrays.arrays(
        st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.bool_, np.complex64]),
        arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
    )
)
def test_transform_of_any_array_gives_finite_codes_or_an_error(models, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for model in models:
            try:
                codes = model.transform(rows)
            except LatentmapError:
                continue
            assert codes.shape == (len(rows), 2)
            assert np.isfinite(codes).all()


@FEW
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@pytest.mark.parametrize("suffix", [".csv", ".npy", ".npz", ".parquet", ".xlsx", ".png", ".txt"])
def test_readers_raise_only_errors_of_latentmap(tmp_path, suffix, content):
    path = tmp_path / f"rows{suffix}"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            rows = open_data(path)
            rows[:]
        except LatentmapError:
            pass


@FEW
@given(
    st.sampled_from(sorted(Training().get_params())),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(),
)
def test_training_accepts_or_refuses_any_value(name, value):
    try:
        Training(**{name: value}).validate()
    except LatentmapError as error:
        assert name in str(error)
