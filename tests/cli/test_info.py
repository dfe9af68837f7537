from __future__ import annotations

import json

import pytest


def test_info_shows_what_is_in_the_file(run, digits_model):
    said = run("info", digits_model).stdout
    for words in ("LatentMap", "8×8", "Quality on the 359 unseen rows of digits", "weights"):
        assert words in said


def test_info_for_programs(run, wine_model):
    shown = json.loads(run("info", wine_model, "--json").stdout)
    assert shown["estimator"] == "AutoEncoder"
    assert shown["parameters"]["n_components"] == 3
    assert shown["figures"]["held_out"]["rows"] == 18
    assert shown["feature_names"][0] == "alcohol"


@pytest.mark.parametrize("name", ["noise.safetensors", "empty.safetensors", "text.csv", "."])
def test_info_refuses_what_is_no_model(run, nonsense, name):
    result = run("info", nonsense / name, code=2)
    assert result.stderr.splitlines()[-1].startswith("error: ")


def test_data_sets_are_listed(run):
    said = run("datasets").stdout
    assert "mnist" in said
    assert "60,000" in said
    listed = {one["name"]: one for one in json.loads(run("datasets", "--json").stdout)}
    assert listed["digits"]["n_unseen"] == 359
