from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from latentmap import load_model
from latentmap.cli.commands import load_verb
from latentmap.cli.table_arguments import options_for
from latentmap.data import TableOptions, open_data

VERBS = "fit encode plot explore evaluate similar compare cluster generate outliers compress impute"


@pytest.mark.parametrize("verb", VERBS.split())
def test_verbs_that_open_tables_have_the_options(verb):
    names = {option for parameter in load_verb(verb).params for option in parameter.opts}
    assert names >= {"--separator", "--decimal", "--header", "--encoding", "--missing"}
    assert names >= {"--columns", "--drop", "--as", "--day-first"}


def test_options_of_a_fit_apply_to_later_tables():
    options = TableOptions(separator="|", header=False, missing=("x",), roles={"a": "category"})
    stored = json.loads(json.dumps(options.to_json()))
    assert stored.keys() == {"separator", "header", "missing", "roles"}
    model = SimpleNamespace(fit_report_={"table_options": stored})
    assert options_for(model) == replace(options, ignore_unknown=True)


@pytest.mark.parametrize("stored", [None, 3, {"header": "x", "drop": 3, "roles": [], "other": 1}])
def test_stored_options_of_other_types_are_left_out(stored):
    model = SimpleNamespace(fit_report_={"table_options": stored})
    assert options_for(model) == TableOptions(ignore_unknown=True)


def test_other_verbs_read_a_table_as_fit_did(run, tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "people.csv"
    lines = [f"{x:.2f}|{rng.integers(2)}|{i}|{'ab'[i % 2]}" for i, x in enumerate(rng.random(40))]
    path.write_text("\n".join(["size|zip|place|kind", "n.k.|1|40|a", *lines]))
    options = ["--missing", "n.k.", "--drop", "place", "--as", "zip=category", "--as", "kind=label"]
    model, codes = tmp_path / "m.safetensors", tmp_path / "codes.csv"
    result = run("fit", path, "-o", model, "--epochs", 1, *options)
    summary = "people.csv: 41 rows; 1 number, 1 category; separator '|'"
    assert summary in " ".join(result.stderr.split())
    assert [column.role for column in load_model(model).table_.columns] == ["number", "category"]
    run("encode", model, path, "-o", codes)
    assert open_data(codes, label="label").labels.tolist()[:3] == ["a", "a", "b"]


def test_dates_and_categories_of_later_tables_are_read_as_those_of_the_fit(run, tmp_path):
    path, later = tmp_path / "people.csv", tmp_path / "later.csv"
    days = [f"{day:02}/04/2024" for day in range(1, 29)]
    lines = [f"{day},{'0' * (i % 2)}{i % 3},{i}.5" for i, day in enumerate(days)]
    path.write_text("\n".join(["joined,code,size", *lines]))
    later.write_text("joined,code,size\n03/04/2024,1,2.5\n05/04/2024,2,3.5\n")
    model = tmp_path / "m.safetensors"
    run("fit", path, "-o", model, "--epochs", 1, "--recipe", "dense")
    for data, name in ((path, "a.csv"), (later, "b.csv")):
        run("impute", model, data, "-o", tmp_path / name)
    table = open_data(tmp_path / "b.csv")[:]
    assert [day.as_py().month for day in table["joined"]] == [4, 4]
    options = options_for(load_model(model))
    assert options.day_first is True and options.roles == {"code": "category"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--as", "kind"], "--as: expected COLUMN=ROLE, found 'kind'"),
        (["--decimal", ";"], "decimal: expected '.' or ',', found ';'"),
        (["--drop", "alcohl"], "--drop: unknown column 'alcohl', did you mean 'alcohol'?"),
        (["--as", "kind=number"], "--as kind=category"),
    ],
)
def test_invalid_options_are_reported(run, wine_csv, options, message):
    assert message in run("fit", wine_csv, *options, code=2).stderr
