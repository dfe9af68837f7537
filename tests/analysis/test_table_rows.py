from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from latentmap import AutoEncoder
from latentmap.analysis import attribute, compare, score_outliers
from latentmap.analysis.table_rows import TableRows, format_value
from latentmap.data import Table
from latentmap.errors import DataError


def make_frame(n=80):
    rng = np.random.default_rng(0)
    size = rng.normal(50, 10, n).round(2)
    days = (30 * size).astype(int).tolist()
    return pd.DataFrame(
        {
            "id": np.arange(n),
            "size": size,
            "rooms": (size / 10).round().astype(int),
            "kind": np.where(size > 55, "house", np.where(size > 45, "flat", "hut")),
            "garden": size > 52,
            "built": [datetime.date(2000, 1, 1) + datetime.timedelta(d) for d in days],
        }
    )


@pytest.fixture(scope="module")
def model():
    return AutoEncoder(1, epochs=20, random_state=0).fit(Table(make_frame(), units={"size": "m²"}))


def test_rows_have_the_fitted_columns_with_their_values(model):
    frame = make_frame()
    frame.loc[0, "size"] = np.nan
    rows = TableRows.read(model, frame)
    assert rows.names == ["size", "rooms", "kind", "garden", "built"]
    assert rows.values[0].tolist()[:2] == [None, frame["rooms"][0]]
    expected = [f"{frame['size'][1]:.4g} m²", str(frame["rooms"][1]), frame["kind"][1]]
    assert rows.cell_text[1].tolist()[:3] == expected
    assert rows.cell_text[1].tolist()[3:] == [
        str(frame["garden"][1]).lower(),
        str(frame["built"][1]),
    ]


def test_positions_are_standard_deviations_and_categories_have_none(model):
    frame = make_frame()
    positions = TableRows.read(model, frame).positions
    scaled = (frame["size"] - frame["size"].mean()) / frame["size"].std(ddof=0)
    assert np.allclose(positions[:, 0], scaled, atol=1e-5)
    assert np.isnan(positions[:, 2]).all()
    assert TableRows.read(model, frame).is_ordered.tolist() == [True, True, False, True, True]


def test_decoded_rows_are_those_of_inverse_transform(model):
    codes = model.transform(make_frame())[:5]
    assert TableRows.decode(model, codes).frame.equals(model.inverse_transform(codes))


def test_differences_are_zero_only_for_equal_values(model):
    frame = make_frame()
    frame.loc[1, "kind"] = None
    rows = TableRows.read(model, frame)
    other = rows.select(np.arange(1, 80))
    difference = rows.select(np.arange(79)).differences(other)
    is_equal = rows.cell_text[:-1] == rows.cell_text[1:]
    assert ((difference == 0) == is_equal).all()
    assert difference[0, 2] == difference[1, 2] == 1


def test_rows_lie_at_both_ends_of_their_difference(model):
    frame = make_frame().iloc[[3, 5]]
    rows = TableRows.read(model, frame)
    ends = rows.project_on_difference(rows)
    assert np.allclose(
        np.abs(ends[1] - ends[0]), np.abs(rows.select([1]).differences(rows.select([0])))
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (3.14159, "3.142"),
        (20871.3, "20871"),
        (1e-7, "1e-07"),
        (1234567, "1234567"),
        (False, "false"),
        (None, "missing"),
        ([1.0, 2.0, 3.5, 4.0], "[1, 2, 3.5, …]"),
    ],
)
def test_values_are_written_without_noise(value, text):
    assert format_value(value) == text


def test_compare_returns_data_frames_with_own_columns(model):
    frame = make_frame()
    a, b = frame.iloc[[0]], frame.iloc[[1]]
    result = compare(model, a, b, reference=frame)
    assert result.rows["kind"].tolist() == [frame["kind"][0], frame["kind"][1]]
    assert result.reconstructions.columns.tolist() == result.rows.columns.tolist()
    scale = frame["size"].std(ddof=0)
    expected = (frame["size"][1] - frame["size"][0]) / scale
    assert result.difference[0] == pytest.approx(expected, rel=1e-4)
    codes = model.transform(frame.iloc[:2])
    assert result.distance == pytest.approx(np.linalg.norm(codes[0] - codes[1]), rel=1e-5)


def test_compare_expects_one_row_of_a_table(model):
    frame = make_frame()
    with pytest.raises(DataError, match="b: expected one row, found 2 rows"):
        compare(model, frame.iloc[[0]], frame.iloc[:2], reference=frame)


def test_errors_of_rows_with_gaps_equal_the_reconstruction_error(model):
    frame = make_frame()
    frame.loc[::3, "size"] = np.nan
    frame.loc[::5, "kind"] = None
    errors = score_outliers(model, frame).errors
    assert errors == pytest.approx(model.reconstruction_error(frame), rel=1e-4)


def test_an_outlier_is_attributed_to_its_column(model):
    frame = make_frame()
    frame.loc[7, "kind"] = "hut" if frame["kind"][7] == "house" else "house"
    scores = score_outliers(model, frame)
    assert scores.ranking[0] == 7
    assert np.abs(attribute(model, frame)[7]).argmax() == 2
