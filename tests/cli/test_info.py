from __future__ import annotations

import json

import pytest


def test_info_shows_what_is_in_the_file(run, digits_model):
    output = run("info", digits_model).stdout
    for words in ("LatentMap", "8×8", "Quality on the 359 unseen rows of digits", "weights"):
        assert words in output


def test_info_prints_json(run, wine_model):
    summary = json.loads(run("info", wine_model, "--json").stdout)
    assert summary["estimator"] == "AutoEncoder"
    assert summary["parameters"]["n_components"] == 3
    assert summary["figures"]["held_out"]["rows"] == 18
    assert summary["feature_names"][0] == "alcohol"


@pytest.mark.parametrize("name", ["noise.safetensors", "empty.safetensors", "text.csv", "."])
def test_files_that_are_not_models_are_reported(run, nonsense, name):
    result = run("info", nonsense / name, code=2)
    assert result.stderr.splitlines()[-1].startswith("error: ")


def test_data_sets_are_listed(run):
    output = run("datasets").stdout
    assert "mnist" in output
    assert "60,000" in output
    data_sets = {
        data_set["name"]: data_set for data_set in json.loads(run("datasets", "--json").stdout)
    }
    assert data_sets["digits"]["n_unseen"] == 359
