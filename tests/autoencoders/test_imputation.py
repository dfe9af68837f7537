from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder, load_model
from latentmap.data import Table
from latentmap.errors import DataError, NotFittedError

NAMES = ["size", "rooms", "kind", "heated", "built", "constant", "id"]


@pytest.fixture(scope="module")
def houses():
    """Return 400 houses, whose columns depend on their size, with a tenth of the values missing."""
    rng = np.random.default_rng(0)
    size = rng.uniform(20, 200, 400)
    built = pd.Timestamp("2000-01-01") + pd.to_timedelta((size * 30).round(), unit="D")
    frame = pd.DataFrame(
        {
            "size": size,
            "rooms": pd.array((size // 30).astype(int), "Int64"),
            "kind": pd.Categorical(np.where(size > 100, "house", "flat")),
            "heated": pd.array(size > 60, "boolean"),
            "built": built.astype("datetime64[s]"),
            "constant": "x",
            "id": [f"house {i}" for i in range(400)],
        },
        index=pd.RangeIndex(1000, 1400),
    )
    complete = frame.copy()
    for name in NAMES:
        frame.loc[rng.random(400) < 0.1, name] = None
    return frame, complete


@pytest.fixture(scope="module")
def model(houses):
    return AutoEncoder(2, epochs=5, random_state=0).fit(houses[0])


@pytest.mark.parametrize("estimator", [AutoEncoder, VariationalAutoEncoder, LatentMap])
def test_estimates_are_better_than_mean_and_mode(houses, estimator):
    frame, complete = houses
    filled = estimator(2, epochs=5, random_state=0).fit(frame[:300]).impute(frame[300:])
    missing = frame[300:].isna()
    for name in ("size", "rooms"):
        error, true = filled[name].astype(float), complete[name][300:].astype(float)
        rmse = np.sqrt(((error - true)[missing[name]] ** 2).mean())
        assert rmse < 0.6 * true.std()
    is_right = (filled["kind"] == complete["kind"][300:])[missing["kind"]]
    assert is_right.mean() > 0.7


def test_known_values_types_index_and_ignored_columns_stay(houses, model):
    frame, _ = houses
    filled = model.impute(frame)
    assert filled.dtypes.equals(frame.dtypes)
    assert filled.index.equals(frame.index)
    assert list(filled) == NAMES
    known = frame.notna()
    pd.testing.assert_frame_equal(filled.where(known), frame.where(known))
    assert filled[NAMES[:-1]].notna().all().all()
    assert filled["id"].isna().equals(frame["id"].isna())
    assert set(filled["constant"]) == {"x"}
    assert frame.isna().any().all()  # The argument is not changed.


def test_confidence_is_given_for_filled_values_only(houses, model):
    frame, complete = houses
    filled, confidence = model.impute(frame, return_confidence=True)
    changed = (frame.isna() & filled.notna()).to_numpy()
    assert np.array_equal(np.isfinite(confidence), changed)
    assert confidence[changed].min() >= 0
    assert confidence[changed].max() <= 1
    sizes = confidence[:, NAMES.index("size")]
    assert len(np.unique(sizes[np.isfinite(sizes)])) == 1  # That of the column.
    kind = NAMES.index("kind")
    is_right = (filled["kind"] == complete["kind"])[frame["kind"].isna()]
    assert abs(confidence[changed[:, kind], kind].mean() - is_right.mean()) < 0.25


def test_rows_do_not_depend_on_other_rows(houses, model):
    frame, _ = houses
    filled = model.impute(frame)
    parts = pd.concat([model.impute(frame[i : i + 7]) for i in range(0, 70, 7)])
    pd.testing.assert_frame_equal(parts, filled[:70])


def test_other_tables_are_filled(houses, model):
    frame, _ = houses
    expected = model.impute(frame)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    filled = model.impute(table)
    assert filled.schema.types == table.schema.types
    assert filled["size"].to_pylist() == expected["size"].tolist()
    source = model.impute(Table(frame))
    assert source["rooms"].tolist() == expected["rooms"].tolist()


def test_saved_models_fill_the_same_values(houses, model, tmp_path):
    model.save(tmp_path / "houses.safetensors")
    loaded = load_model(tmp_path / "houses.safetensors")
    pd.testing.assert_frame_equal(loaded.impute(houses[0]), model.impute(houses[0]))


def test_unknown_categories_are_not_replaced(houses, model):
    frame = houses[0][:4].astype({"kind": object}).assign(kind=["castle", None, "flat", "flat"])
    with pytest.warns(match="castle|not fitted"):
        filled = model.impute(frame)
    assert filled["kind"].iloc[0] == "castle"
    assert filled["kind"].iloc[1] in ("house", "flat")


def test_columns_without_known_values_are_filled(houses, model):
    frame = houses[0][:3].astype({"kind": object}).assign(kind=None, size=np.nan)
    filled = model.impute(frame)
    assert filled[["kind", "size"]].notna().all().all()


def test_tables_without_missing_values_are_returned(houses, model):
    complete = houses[1]
    filled, confidence = model.impute(complete, return_confidence=True)
    pd.testing.assert_frame_equal(filled, complete)
    assert np.isnan(confidence).all()


def test_plain_tables_are_filled():
    x = np.random.default_rng(0).normal(size=200)
    frame = pd.DataFrame({"a": x, "b": 2 * x, "c": x**2})
    model = AutoEncoder(1, epochs=2, scaling="none", random_state=0).fit(frame)
    filled = model.impute(pd.DataFrame({"a": [1.0, None], "b": [None, 2.0], "c": [1.0, 1.0]}))
    assert filled["b"][0] == pytest.approx(2, abs=0.4)
    assert filled["a"][1] == pytest.approx(1, abs=0.2)


def test_models_of_arrays_raise():
    model = AutoEncoder(1, epochs=1, random_state=0).fit(np.random.default_rng(0).random((50, 3)))
    with pytest.raises(DataError, match="fitted to a table"):
        model.impute(np.zeros((2, 3)))
    with pytest.raises(NotFittedError):
        AutoEncoder().impute(np.zeros((2, 3)))


def test_missing_columns_are_reported(houses, model):
    with pytest.raises(DataError, match="no 'size'"):
        model.impute(houses[0].drop(columns="size"))


def test_texts_of_numbers_become_numbers():
    x = np.random.default_rng(0).normal(size=60).round(3)
    frame = pd.DataFrame({"a": x, "b": [f"{2 * value:.3f}" for value in x]})
    fitted = AutoEncoder(1, epochs=1, random_state=0).fit(frame)
    frame.loc[0, "b"] = None
    filled = fitted.impute(frame)
    assert filled["b"].notna().all()
    assert float(filled["b"][5]) == pytest.approx(2 * x[5])


def test_truth_values_keep_their_texts():
    x = np.random.default_rng(0).normal(size=60)
    frame = pd.DataFrame({"a": x, "b": np.where(x > 0, "yes", "no").astype(object)})
    fitted = AutoEncoder(1, epochs=1, random_state=0).fit(frame)
    frame.loc[:4, "b"] = None
    assert set(fitted.impute(frame)["b"]) == {"yes", "no"}
    assert fitted.impute(pa.table(frame))["b"].to_pylist() == fitted.impute(frame)["b"].tolist()


def test_the_confidence_in_a_constant_grows_with_its_known_values():
    x = np.random.default_rng(0).normal(size=60)
    for n_known in (1, 30):
        constant = ["x"] * n_known + [None] * (60 - n_known)
        frame = pd.DataFrame({"a": x, "b": x**2, "constant": constant})
        fitted = AutoEncoder(1, epochs=1, random_state=0).fit(frame)
        filled, confidence = fitted.impute(frame, return_confidence=True)
        assert set(filled["constant"]) == {"x"}
        assert confidence[-1, 2] == pytest.approx((n_known + 1) / (n_known + 2))


def test_labels_are_not_filled(houses):
    frame = houses[0].rename(columns={"kind": "target"})
    fitted = AutoEncoder(1, epochs=1, random_state=0).fit(Table(frame, label="target"))
    for rows in (Table(frame, label="target"), frame.drop(columns="target")):
        filled = fitted.impute(rows)
        assert "target" not in filled
        assert filled[["size", "rooms"]].notna().all().all()


def test_a_constant_of_a_pair_of_truth_values_is_filled_as_written():
    frame = pd.DataFrame({"size": range(60), "ticked": ["Y", None] * 30})
    model = AutoEncoder(1, epochs=1, random_state=0).fit(frame)
    assert model.impute(frame)["ticked"].tolist() == ["Y"] * 60
    new = pd.DataFrame({"size": [1, 2, 3], "ticked": ["N", "Y", None]})
    assert model.impute(new)["ticked"].tolist() == ["N", "Y", "Y"]
