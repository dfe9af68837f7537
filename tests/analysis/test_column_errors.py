from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from latentmap import AutoEncoder
from latentmap.analysis.column_errors import ColumnError, column_errors, sort_by_error
from latentmap.data import Table
from latentmap.errors import DataError
from latentmap.metrics import evaluate


def make_frame(n=120):
    rng = np.random.default_rng(0)
    size = rng.gamma(4, 10, n)
    frame = pd.DataFrame(
        {
            "size": size,
            "rooms": np.round(size / 20 + 1).astype(int),
            "kind": np.where(size > 45, "large", np.where(size > 25, "medium", "small")),
            "garden": size + rng.normal(0, 5, n) > 40,
            "built": [datetime.date(1950, 1, 1) + datetime.timedelta(int(90 * s)) for s in size],
            "always": "same",
        }
    )
    frame.loc[3:9, "size"] = np.nan
    frame.loc[7:19, "kind"] = None
    return frame


@pytest.fixture(scope="module")
def model():
    return AutoEncoder(1, epochs=3, random_state=0).fit(make_frame())


@pytest.fixture(scope="module")
def errors(model):
    return {error.name: error for error in column_errors(model, make_frame())}


def test_errors_of_numbers_equal_a_direct_computation(model, errors):
    frame = make_frame()
    decoded = model.inverse_transform(model.transform(frame))
    for name in ("size", "rooms"):
        is_known = frame[name].notna()
        x, y = frame[name][is_known].astype(float), decoded[name][is_known]
        assert errors[name].value == pytest.approx(np.sqrt(np.mean((x - y) ** 2)))
        assert errors[name].baseline == pytest.approx(np.std(x))
        assert errors[name].n_values == is_known.sum()


def test_errors_of_dates_are_in_days(model, errors):
    frame = make_frame()
    decoded = model.inverse_transform(model.transform(frame))
    x, y = pd.to_datetime(frame["built"]), pd.to_datetime(decoded["built"])
    days = (x - y).dt.days
    assert errors["built"].value == pytest.approx(np.sqrt((days**2).mean()))
    assert errors["built"].unit == "days"


@pytest.mark.parametrize("name", ["kind", "garden"])
def test_accuracies_equal_a_direct_computation(model, errors, name):
    frame = make_frame()
    decoded = model.inverse_transform(model.transform(frame))
    is_known = frame[name].notna()
    assert errors[name].measure == "accuracy"
    assert errors[name].value == pytest.approx((frame[name] == decoded[name])[is_known].mean())
    assert errors[name].baseline == pytest.approx(frame[name].value_counts(normalize=True).max())


def test_constant_columns_are_left_out(model, errors):
    assert list(errors) == ["size", "rooms", "kind", "garden", "built"]
    large_rows = make_frame().query("kind == 'large'")
    assert "kind" not in {error.name for error in column_errors(model, large_rows)}


def test_categories_that_were_not_fitted_are_errors(model):
    frame = make_frame().iloc[20:60]
    value = {e.name: e for e in column_errors(model, frame)}["kind"].value
    frame["kind"] = ["new", *frame["kind"][1:]]
    with pytest.warns(match="were not fitted"):
        error_after_change = {e.name: e for e in column_errors(model, frame)}["kind"].value
    assert error_after_change in (pytest.approx(value), pytest.approx(value - 1 / 40))


def test_units_are_those_of_the_table():
    table = Table(make_frame(), units={"size": "m²"})
    model = AutoEncoder(1, epochs=1, random_state=0).fit(table)
    assert column_errors(model, table)[0].unit == "m²"


def test_texts_and_vectors_have_errors():
    rng = np.random.default_rng(0)
    words = ["red", "green", "blue", "round", "square", "small"]
    vectors = [v.tolist() for v in rng.normal(0, 5, (60, 3))]
    texts = [" ".join(rng.permutation(words)[:5]) + f" {i}" for i in range(60)]
    frame = Table(pd.DataFrame({"v": vectors, "t": texts}), columns=["v", "t"])
    model = AutoEncoder(2, epochs=1, random_state=0).fit(frame)
    vector, text = column_errors(model, frame)
    decoded = np.stack(model.inverse_transform(model.transform(frame))["v"])
    assert vector.value == pytest.approx(np.sqrt(np.mean((decoded - vectors) ** 2)), rel=1e-4)
    assert vector.baseline == pytest.approx(np.sqrt(np.var(vectors, axis=0).mean()), rel=1e-4)
    assert text.baseline == pytest.approx(1, rel=1e-3)
    assert text.unit == "standard deviations"


def test_large_offsets_do_not_change_the_baseline():
    frame = pd.DataFrame({"a": 1.7e9 + np.arange(50.0), "b": np.arange(50.0) % 7})
    model = AutoEncoder(1, epochs=1, random_state=0).fit(frame)
    assert column_errors(model, frame)[0].baseline == pytest.approx(np.std(np.arange(50)))


def test_worst_first_sorts_by_the_share_of_the_error_of_a_constant():
    small_error = ColumnError("good", "rmse", 90.0, 100.0, None, 9)
    large_error = ColumnError("bad", "rmse", 0.1, 0.1, None, 9)
    middle = ColumnError("middle", "accuracy", 0.62, 0.6, None, 9)
    assert [error.name for error in sort_by_error([small_error, large_error, middle])] == [
        "bad",
        "middle",
        "good",
    ]


def test_models_of_arrays_have_no_columns():
    with pytest.raises(DataError, match="fitted to a table"):
        column_errors(PCA(1).fit(np.eye(3)), np.eye(3))


def test_evaluate_contains_the_errors_as_json_values(model, errors):
    metrics = evaluate(model, make_frame())
    assert [column["name"] for column in metrics["columns"]] == list(errors)
    assert ColumnError(**metrics["columns"][0]) == errors["size"]
    assert "columns" not in evaluate(AutoEncoder(1, epochs=1).fit(np.eye(4)), np.eye(4))


def test_errors_are_stored_in_the_model_file(model, tmp_path):
    from latentmap import load_model

    model.fit_report_ = evaluate(model, make_frame())
    model.save(tmp_path / "m.safetensors")
    assert (
        load_model(tmp_path / "m.safetensors").fit_report_["columns"]
        == model.fit_report_["columns"]
    )
    model.fit_report_ = None
