import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.decomposition import PCA

from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder, load_model
from latentmap.data import ArraySource, Table
from latentmap.errors import DataError, DataWarning, SettingError

RNG = np.random.default_rng(0)
N = 400


def make_frame(rng=RNG, n=N):
    group = rng.integers(0, 3, n)
    return pd.DataFrame(
        {
            "size": np.where(rng.random(n) < 0.1, np.nan, 10.0 * group + rng.normal(size=n)),
            "count": rng.poisson(2.0 + 5.0 * group),
            "kind": np.where(rng.random(n) < 0.1, None, np.array(["oak", "elm", "ash"])[group]),
            "tall": group > 1,
            "planted": pd.Timestamp("2020-01-01") + pd.to_timedelta(100 * group, "D"),
            "name": [f"tree {i}" for i in range(n)],
        }
    )


FRAME = make_frame()
FITTED = FRAME.drop(columns="name")


@pytest.fixture(scope="module", params=[AutoEncoder, VariationalAutoEncoder, LatentMap])
def model(request):
    return request.param(2, epochs=15, random_state=0).fit(FRAME)


@pytest.fixture(scope="module")
def autoencoder():
    return AutoEncoder(2, epochs=15, random_state=0).fit(FRAME)


def test_codes_decode_to_the_columns_and_types_of_the_table(model):
    assert model.n_features_in_ == 5
    assert model.feature_names_in_.tolist() == FITTED.columns.tolist()
    codes = model.transform(FRAME)
    assert codes.shape == (N, 2)
    assert np.isfinite(codes).all()
    decoded = model.inverse_transform(codes)
    assert decoded.dtypes.astype(str).tolist() == FITTED.dtypes.astype(str).tolist()
    assert set(decoded["kind"]) <= {"oak", "elm", "ash"}
    assert (decoded["count"] >= 0).all()
    known = FRAME["kind"].notna()
    assert (decoded["kind"] == FRAME["kind"])[known].mean() > 0.9
    assert model.sample(3).columns.tolist() == FITTED.columns.tolist()
    assert model.reconstruction_error(FRAME).mean() < 0.5  # The error of the mean row is 1.


def test_a_model_survives_its_file_and_pickle(model, tmp_path):
    model.save(tmp_path / "trees.safetensors")
    codes = model.transform(FRAME)
    for copied in (load_model(tmp_path / "trees.safetensors"), pickle.loads(pickle.dumps(model))):
        assert copied.fingerprint() == model.fingerprint()
        assert np.array_equal(copied.transform(FRAME), codes)
        assert copied.inverse_transform(codes).equals(model.inverse_transform(codes))


def test_codes_do_not_depend_on_other_rows(model):
    part = FRAME.iloc[[7, 3]].reset_index(drop=True)
    assert np.allclose(model.transform(part), model.transform(FRAME)[[7, 3]], atol=1e-5)


def test_unseen_rows_are_reconstructed_better_than_by_pca():
    unseen = make_frame(np.random.default_rng(1))
    network, pca = (
        AutoEncoder(2, network=network, epochs=30, random_state=0).fit(FRAME)
        for network in ("dense", "linear")
    )
    assert network.reconstruction_error(unseen).mean() <= pca.reconstruction_error(unseen).mean()


def test_a_missing_value_has_no_error(autoencoder):
    row = FRAME[FRAME["size"].notna() & FRAME["kind"].notna()].iloc[:1].copy()
    row["size"] = 1e6
    assert autoencoder.reconstruction_error(row)[0] > 1e3
    row["size"] = np.nan
    assert autoencoder.reconstruction_error(row)[0] < 1


def test_unknown_categories_count_as_missing_and_are_reported(autoencoder):
    frame = FRAME.assign(kind=["beech", "yew", *FRAME["kind"][2:]])
    with pytest.warns(DataWarning, match=r"count as missing \(kind: 2\)"):
        codes = autoencoder.transform(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        missing = autoencoder.transform(FRAME.assign(kind=[None, None, *FRAME["kind"][2:]]))
    assert np.array_equal(codes, missing)


def test_arrow_tables_and_tables_with_roles_are_fitted():
    table = pa.table({"a": RNG.normal(size=60), "b": ["x", "y", None] * 20})
    model = AutoEncoder(1, epochs=1, random_state=0).fit(table)
    assert model.inverse_transform(model.transform(table)).schema == table.schema
    roles = Table(FRAME, roles={"count": "category"}, drop=["planted"])
    model = AutoEncoder(1, epochs=1, random_state=0).fit(roles)
    assert [column.role for column in model.table_.columns if column.name == "count"] == [
        "category"
    ]
    assert "planted" not in model.table_.names


def test_numbers_of_a_data_frame_are_standardised_by_default():
    frame = pd.DataFrame(RNG.normal(size=(200, 3)) * [1.0, 1e4, 1.0], columns=list("abc"))
    model = AutoEncoder(2, network="linear", random_state=0).fit(frame)
    assert model.scale_ == pytest.approx(frame.std(ddof=0).to_numpy(), rel=1e-4)
    unscaled = copy.deepcopy(model).set_params(scaling="standard").fit(frame)
    assert unscaled.inverse_transform(unscaled.transform(frame))["b"].std() > 1e3


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"scaling": "unit"}, "scaling: expected 'auto' or 'columns' for a table with categories"),
        ({"loss": "mse"}, "loss: expected 'auto' for a table with categories"),
    ],
)
def test_settings_that_do_not_suit_a_mixed_table_are_errors(parameters, message):
    with pytest.raises(SettingError, match=message):
        AutoEncoder(2, **parameters).fit(FRAME)


def test_rows_with_other_columns_are_errors(autoencoder):
    with pytest.raises(DataError, match="no 'size'"):
        autoencoder.transform(FRAME.drop(columns="size"))
    with pytest.raises(DataError, match="3 features, but AutoEncoder is expecting 5 features"):
        autoencoder.transform(ArraySource(np.zeros((2, 3))))


def test_a_network_must_decode_columns_clearly_better_than_pca(autoencoder, monkeypatch):
    assert autoencoder.uses_network_
    monkeypatch.setattr(
        "latentmap.autoencoders.pca_comparison.is_clearly_lower", lambda *arguments: False
    )
    assert not AutoEncoder(2, epochs=15, random_state=0).fit(FRAME).uses_network_


def test_pca_describes_skewed_numbers_as_they_are_if_that_is_better(tmp_path):
    rng = np.random.default_rng(0)
    amount = np.exp(1.5 * rng.normal(size=(80, 1)))
    frame = pd.DataFrame(amount * np.exp(0.01 * rng.normal(size=(80, 3))), columns=[*"abc"])
    model = AutoEncoder(1, epochs=1, random_state=0).fit(frame)
    assert not model.uses_network_
    x = frame.to_numpy()
    pca = PCA(1).fit((x - x.mean(axis=0)) / x.std(axis=0))
    expected = pca.inverse_transform(pca.transform((x - x.mean(axis=0)) / x.std(axis=0)))
    decoded = model.inverse_transform(model.transform(frame))
    assert np.allclose(decoded, expected * x.std(axis=0) + x.mean(axis=0), rtol=1e-3)
    model.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert np.allclose(loaded.transform(frame), model.transform(frame), atol=1e-5)
