"""Every verb on a table with numbers, categories, dates, texts and missing values."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from latentmap import LatentMap, load_model
from latentmap.analysis import compare, score_outliers
from latentmap.data import Table
from latentmap.metrics import column_errors

COLUMNS = ["heating", "area", "rooms", "price", "built", "garden"]


def make_homes(n=120):
    """Return homes whose heating, rooms, price and garden depend on the area."""
    rng = np.random.default_rng(0)
    area = rng.gamma(9, 10, n).round(1)
    heating = np.where(area > 100, "district", np.where(area > 70, "gas", "oil"))
    homes = pd.DataFrame(
        {
            "id": np.arange(n),
            "heating": heating,
            "area": area,
            "rooms": np.maximum(1, (area / 28).round()).astype(int),
            "price": (area * 2800 + rng.normal(0, 9000, n)).round(-2),
            "built": [
                datetime.date(1950, 1, 1) + datetime.timedelta(int(d)) for d in 200 * (area - 20)
            ],
            "garden": area + rng.normal(0, 10, n) > 90,
        }
    )
    homes.loc[5:15, "area"] = np.nan
    homes.loc[10:20, "heating"] = None
    return homes


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    """Write the homes to a Parquet file, which keeps the types of their columns."""
    path = tmp_path_factory.mktemp("homes") / "homes.parquet"
    make_homes().to_parquet(path)
    return path


@pytest.fixture(scope="module")
def model(homes):
    """Fit a map to the homes; return its file."""
    path = homes.with_name("homes.safetensors")
    table = Table(make_homes(), units={"price": "€"})
    LatentMap(epochs=3, random_state=0).fit(table).save(path)
    return path


@pytest.fixture(scope="module")
def codes(run, model, homes):
    """Encode the homes; return the file of codes."""
    path = homes.with_name("codes.csv")
    run("encode", model, homes, "-o", path)
    return path


def check_homes(frame):
    """Check that the columns of decoded rows have types and values of the homes."""
    assert list(frame.columns) == COLUMNS
    assert set(frame["heating"]) <= {"district", "gas", "oil"}
    assert frame["rooms"].dtype == int
    assert frame["garden"].dtype == bool
    assert (frame["area"] == frame["area"].round(2)).all()
    assert frame["price"].min() >= 0
    assert pd.to_datetime(frame["built"]).dt.year.between(1900, 2100).all()


def test_codes_are_those_of_transform(model, codes):
    expected = load_model(model).transform(make_homes())
    assert np.allclose(pd.read_csv(codes).to_numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_decode_writes_the_columns_of_the_table(run, model, codes, tmp_path, suffix):
    path = tmp_path / f"rows.{suffix}"
    run("decode", model, codes, "-o", path)
    rows = pd.read_csv(path) if suffix == "csv" else pd.read_parquet(path)
    check_homes(rows)
    if suffix == "parquet":
        fitted = load_model(model)
        expected = fitted.inverse_transform(fitted.transform(make_homes()))
        assert (rows == expected).mean(axis=None) > 0.99  # Codes of a .csv file are rounded.


def test_decode_explains_which_formats_hold_the_columns(run, model, codes, tmp_path):
    error = run("decode", model, codes, "-o", tmp_path / "rows.npy", code=2).stderr
    assert "found other values in heating, built; .csv and .parquet hold" in error
    assert not list(tmp_path.iterdir())


def test_generate_writes_rows_and_draws_them(run, model, homes, tmp_path):
    run("generate", model, "-n", 9, "-o", tmp_path / "new.csv")
    new = pd.read_csv(tmp_path / "new.csv")
    check_homes(new)
    assert len(new) == 9
    options = ["--between", f"{homes}#0", f"{homes}#1", "-n", 4]
    run("generate", model, *options, "-o", tmp_path / "steps.parquet")
    steps = pd.read_parquet(tmp_path / "steps.parquet")
    check_homes(steps)
    fitted = load_model(model)
    first = fitted.inverse_transform(fitted.transform(make_homes().iloc[[0]]))
    assert steps.iloc[0].tolist() == first.iloc[0].tolist()
    run("generate", model, "--vary", f"{homes}#0", "-n", 4, "-o", tmp_path / "varied.png")
    assert (tmp_path / "varied.png").stat().st_size > 5000


def test_generated_rows_are_compared_with_real_rows(run, model, homes, tmp_path):
    options = ["-n", 40, "--reference", homes, "--compare-with", homes]
    message = run("generate", model, *options, "-o", tmp_path / "new.csv").stderr
    assert "coverage" in message


def test_compressed_rows_are_restored_as_the_table(run, model, homes, tmp_path):
    run("compress", model, homes, "-o", tmp_path / "homes.codes")
    run("decompress", model, tmp_path / "homes.codes", "-o", tmp_path / "rows.parquet")
    rows = parquet.read_table(tmp_path / "rows.parquet").to_pandas()
    check_homes(rows)
    assert len(rows) == 120


def test_compress_reports_the_error_that_evaluate_reports(run, model, homes, tmp_path):
    report = json.loads(
        run("compress", model, homes, "-o", tmp_path / "homes.codes", "--json").stdout
    )
    expected = load_model(model).reconstruction_error(make_homes()).mean()
    assert report["model_mse"] == pytest.approx(expected, rel=1e-4)


def test_info_shows_the_columns(run, model):
    output = run("info", model).stdout
    for words in ("heating", "category", "3 categories: gas", "price", "€", "not fitted", "id"):
        assert words in output
    table = json.loads(run("info", model, "--json").stdout)["table"]
    assert [column["name"] for column in table["columns"]] == COLUMNS


def test_evaluate_reports_the_error_of_each_column(run, model, homes):
    report = json.loads(run("evaluate", model, homes, "--json").stdout)["columns"]
    expected = column_errors(load_model(model), make_homes())
    assert [c["name"] for c in report] == [e.name for e in expected] == COLUMNS
    assert [c["value"] for c in report] == pytest.approx([e.value for e in expected])
    output = run("evaluate", model, homes).stdout
    assert "% correct" in output
    assert f"{report[3]['value']:.0f} €" in output


def test_only_the_worst_of_many_columns_are_printed(run, tmp_path):
    from latentmap import AutoEncoder

    rng = np.random.default_rng(0)
    wide = pd.DataFrame({f"a{i}": rng.normal(size=40) for i in range(24)})
    wide["gap"] = np.where(rng.random(40) < 0.2, np.nan, wide["a0"])
    AutoEncoder(2, epochs=1, random_state=0).fit(wide).save(tmp_path / "m.safetensors")
    wide.to_parquet(tmp_path / "wide.parquet")
    result = run("evaluate", tmp_path / "m.safetensors", tmp_path / "wide.parquet")
    assert result.stdout.count("RMSE") == 40
    assert "The 20 of 25 columns with the largest errors" in result.stderr


def test_outliers_names_columns_and_their_values(run, model, homes, tmp_path):
    frame = make_homes()
    frame.loc[50, ["heating", "price"]] = ["oil" if frame["heating"][50] != "oil" else "gas", 9e5]
    path = tmp_path / "homes.parquet"
    frame.to_parquet(path)
    result = run(
        "outliers", model, path, "-n", 3, "-o", tmp_path / "scores.csv", "--reference", homes
    )
    assert "price: 900000" in result.stdout
    scores = pd.read_csv(tmp_path / "scores.csv")
    expected = score_outliers(load_model(model), frame, make_homes())
    assert scores["score"].to_numpy() == pytest.approx(expected.scores)
    assert scores["largest_difference"][50] in ("price", "heating")
    assert (tmp_path / "scores.png").stat().st_size > 5000


def test_outliers_in_json_have_values_of_the_table(run, model, homes):
    report = json.loads(run("outliers", model, homes, "-n", 4, "--json").stdout)
    frame = make_homes()
    differences = [(row["row"], d) for row in report["outliers"] for d in row["differences"]]
    assert differences
    for row, difference in differences:
        value = frame[difference["column"]][row]
        value = str(value) if difference["column"] == "built" else value
        assert difference["value"] == value
        assert difference["expected"] != value


def test_compare_shows_values_of_the_table(run, model, homes, tmp_path):
    path, arguments = tmp_path / "both.png", [model, f"{homes}#0", f"{homes}#7"]
    output = run("compare", *arguments, "-o", path).stdout
    frame = make_homes()
    assert frame["heating"][0] in output
    assert "missing" in output  # The area of row 7.
    report = json.loads(run("compare", *arguments, "--json").stdout)
    rows = frame.iloc[[0]], frame.iloc[[7]]
    expected = compare(load_model(model), *rows, reference=frame)
    assert report["distance"] == pytest.approx(expected.distance)
    columns = {column["name"]: column for column in report["columns"]}
    assert columns["rooms"]["difference"] == frame["rooms"][7] - frame["rooms"][0]
    assert columns["area"]["b"] is None
    assert path.stat().st_size > 5000


def test_similar_rows_are_drawn_from_data_and_from_an_index(run, model, homes, tmp_path):
    index, sheet = tmp_path / "homes.index", tmp_path / "sheet.png"
    options = ["--save-index", index, "-o", sheet, "-k", 4]
    by_data = run("similar", model, f"{homes}#3", *options).stdout
    sheet.unlink()
    by_index = run("similar", model, f"{homes}#3", "--index", index, "-o", sheet, "-k", 4).stdout
    assert by_data == by_index
    assert sheet.stat().st_size > 5000
    report = json.loads(run("similar", model, f"{homes}#3", "--json", "-k", 1).stdout)
    codes = load_model(model).transform(make_homes())
    distances = np.linalg.norm(codes - codes[3], axis=1)
    assert report["queries"][0]["neighbors"][0]["row"] == np.argsort(distances)[1]


def test_clusters_are_found_and_drawn(run, model, homes, tmp_path):
    options = ["-k", 3, "-o", tmp_path / "clusters.csv", "--picture", tmp_path / "clusters.png"]
    run("cluster", model, homes, *options)
    clusters = pd.read_csv(tmp_path / "clusters.csv")
    assert clusters["cluster"].nunique() == 3
    assert len(clusters) == 120


@pytest.mark.parametrize("kind", ["codes", "reconstructions", "confidence", "density", "loss"])
def test_plots_are_drawn(run, model, homes, tmp_path, kind):
    path = tmp_path / "plot.png"
    run("plot", model, homes, "--kind", kind, "-o", path)
    assert path.stat().st_size > 5000


def test_a_csv_file_is_fitted_reported_and_decoded(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    homes = make_homes().assign(sold=lambda frame: np.where(frame["garden"], "yes", "no"))
    homes.to_csv("homes.csv", index=False)
    output = run("fit", "homes.csv", "--recipe", "dense", "--epochs", 2).stdout
    for words in ("heating", "% correct", "RMSE", "days", "sold"):
        assert words in output
    report = load_model("homes.safetensors").fit_report_
    assert [c["name"] for c in report["columns"]] == [*COLUMNS, "sold"]
    assert "% correct" in run("info", "homes.safetensors").stdout
    run("generate", "homes.safetensors", "-n", 5, "-o", "new.csv")
    new = pd.read_csv("new.csv")
    check_homes(new[COLUMNS])
    assert set(new["sold"]) <= {"yes", "no"}
    report = json.loads(
        run("compare", "homes.safetensors", "homes.csv#0", "homes.csv#1", "--json").stdout
    )
    assert {c["a"] for c in report["columns"] if c["name"] == "sold"} <= {"yes", "no"}


def test_rows_are_added_to_a_map_of_a_table(run, model, homes, tmp_path):
    more = tmp_path / "more.parquet"
    make_homes()[:60].to_parquet(more)
    path = tmp_path / "both.safetensors"
    result = run("fit", more, "--continue", model, "-o", path)
    assert "rows added" in result.stdout
    assert "heating" in result.stdout
    assert load_model(path).partial_fit_report_["rows"] == 54
