from __future__ import annotations

import json

import numpy as np
import pytest

from latentmap import load_model
from latentmap.analysis import compare
from latentmap.data import open_data


def run_json(run, *arguments):
    return json.loads(run("compare", *arguments, "--json").stdout)


def test_json_contains_the_result_of_compare(run, wine_model, wine_csv):
    rows = open_data(wine_csv, label="kind")
    expected = compare(load_model(wine_model), rows.subset([3]), rows.subset([100]), reference=rows)
    report = run_json(run, wine_model, f"{wine_csv}#3", f"{wine_csv}#100")
    assert report["distance"] == pytest.approx(expected.distance)
    assert report["farther_share"] == pytest.approx(expected.fraction_farther)
    assert report["reference"] == "wine.csv"
    errors = load_model(wine_model).reconstruction_error(rows.subset([3, 100]))
    assert report["reconstruction_error"] == pytest.approx(errors)


def test_columns_that_differ_most_are_reported_in_their_units(run, wine_model, wine_csv):
    report = run_json(run, wine_model, f"{wine_csv}#3", f"{wine_csv}#100")["columns"]
    rows = open_data(wine_csv, label="kind").numbers()
    differences = np.abs(rows[100] - rows[3]) / rows[:].std(axis=0)
    expected = [rows.feature_names[i] for i in np.argsort(-differences)[:8]]
    assert [column["name"] for column in report] == expected
    first = rows.feature_names.index(expected[0])
    assert report[0]["a"] == rows[3][first]
    assert report[0]["difference"] == pytest.approx(rows[100][first] - rows[3][first])


def test_an_index_replaces_the_data(run, digits_model, tmp_path):
    index, pair = tmp_path / "digits.index", ("digits#1", "digits#7")
    run("similar", digits_model, "digits#0", "--save-index", index)
    by_index, by_data = (
        run_json(run, digits_model, *pair, "--index", index),
        run_json(run, digits_model, *pair),
    )
    assert by_index["distance"] == pytest.approx(by_data["distance"])
    assert by_index["farther_share"] == by_data["farther_share"]
    assert by_data["columns"] == []


def test_reference_rows_are_used(run, digits_model):
    fitted_report = run_json(run, digits_model, "digits#1", "digits:unseen#7")
    unseen_report = run_json(
        run, digits_model, "digits#1", "digits:unseen#7", "--reference", "digits:unseen"
    )
    assert (fitted_report["reference"], unseen_report["reference"]) == ("digits", "digits:unseen")
    assert fitted_report["farther_share"] != unseen_report["farther_share"]


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_images_are_drawn(run, plain_model, tmp_path, suffix):
    path = tmp_path / f"both.{suffix}"
    result = run("compare", plain_model, "digits#1", "digits#7", "-o", path)
    assert f"Wrote {path}" in result.stderr
    assert path.stat().st_size > 5000
    assert "of random pairs" in result.stdout.replace("\n", " ")


def test_tables_are_drawn_and_shown(run, wine_model, wine_csv, tmp_path):
    path = tmp_path / "both.png"
    message = run("compare", wine_model, f"{wine_csv}#3", f"{wine_csv}#9", "-o", path).stdout
    assert path.is_file()
    for words in ("distance", "similar than", "reconstruction errors", "column", "difference"):
        assert words in message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["digits", "digits#1"], "digits: expected one row, such as digits#0, found 1,438 rows"),
        (["digits#1", "digits"], "digits: expected one row"),
        (["digits#1", "digits#2", "-o", "a.csv"], "expected one of the suffixes .png, .pdf, .svg"),
        (["digits#1", "digits#2", "-o", "no/a.png"], "does not exist"),
        (["digits#1", "wine#2"], "X has 13 features"),
        (["digits#1", "digits#2", "--reference", "digits#3"], "at least 2 rows for random pairs"),
        (["digits#1", "nothing#2"], "unknown data set 'nothing'"),
    ],
)
def test_invalid_arguments_are_reported(run, plain_model, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    result = run("compare", plain_model, *arguments, code=2)
    assert words in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_dates_differ_by_days(run, tmp_path):
    table = tmp_path / "visits.csv"
    days = np.datetime64("2024-01-01") + np.arange(0, 80, 2)
    table.write_text("\n".join(["day,size", *(f"{day},{i % 7}.5" for i, day in enumerate(days))]))
    model = tmp_path / "visits.safetensors"
    run("fit", table, "--epochs", 1, "-o", model)
    columns = run_json(run, model, f"{table}#3", f"{table}#10")["columns"]
    day = next(column for column in columns if column["name"] == "day")
    assert (day["a"], day["b"]) == ("2024-01-07", "2024-01-21")
    assert (day["difference"], day["unit"]) == (14, "days")
    output = run("compare", model, f"{table}#10", f"{table}#3", "--reference", table).stdout
    assert "-14 days" in output
