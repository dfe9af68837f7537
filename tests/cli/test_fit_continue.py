"""``fit --continue``."""

import json
import shutil

import numpy as np
import pytest

from latentmap import load_model
from latentmap.data import load_dataset


@pytest.fixture(scope="module")
def extended_map(run, tmp_path_factory):
    """Fit a map of nine digits, continue it with zeros; return the folder and the result."""
    folder = tmp_path_factory.mktemp("growing")
    source = load_dataset("digits")
    rows, digits = source[:], np.asarray(source.labels)
    np.savez(folder / "nine.npz", x=rows[digits > 0], y=digits[digits > 0])
    np.savez(folder / "zeros.npz", x=rows[digits == 0], y=digits[digits == 0])
    run("fit", folder / "nine.npz", "-o", folder / "nine.safetensors", "--epochs", 8)
    result = run(
        "fit", folder / "zeros.npz", "--continue", folder / "nine.safetensors",
        "-o", folder / "ten.safetensors",
    )  # fmt: skip
    return folder, result


def test_new_landmarks_and_the_shift_are_reported(extended_map):
    folder, result = extended_map
    report = load_model(folder / "ten.safetensors").partial_fit_report_
    assert report["rows"] == 135 and report["novel_rows"] > 100 and report["median_shift"] < 0.02
    assert "Rows added to the map" in result.stdout
    assert f"{report['landmarks']} landmarks, centred at (" in result.stdout
    assert f"{report['median_shift']:.2%} of the map's width" in result.stdout
    assert "Quality on 15 of 150 rows of zeros.npz, which were held out" in result.stdout
    kinds = ["codes", "loss", "new_rows", "plane", "reconstructions"]
    assert all((folder / f"ten.{kind}.png").stat().st_size > 5000 for kind in kinds)


def test_the_model_is_not_changed_if_another_output_is_named(extended_map):
    folder, _ = extended_map
    old, new = (load_model(folder / f"{name}.safetensors") for name in ("nine", "ten"))
    assert old.partial_fit_report_ is None
    assert len(new.landmarks_) == len(old.landmarks_) + new.partial_fit_report_["landmarks"]


def test_the_model_file_is_replaced_although_its_report_is_interrupted(
    run, extended_map, tmp_path, monkeypatch
):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("latentmap.cli.fit_report.measure_quality", stop)
    folder, _ = extended_map
    path, picture = tmp_path / "m.safetensors", tmp_path / "m.codes.png"
    shutil.copy(folder / "ten.safetensors", path)
    picture.write_bytes(b"a picture of the earlier map")
    output = run("fit", folder / "zeros.npz", "--continue", path, code=130).stderr
    assert "m.safetensors; the quality and the plots are missing" in output
    assert not picture.exists()
    # Without -o, the model is replaced.
    model = load_model(path)
    assert model.partial_fit_report_["rows"] == 135
    assert model.partial_fit_report_["novel_rows"] == 0  # The model was fitted to zeros.
    assert len(model.fit_report_["held_out_before"]) == 2


@pytest.mark.parametrize(("data", "count"), [("nine", 129), ("zeros", 15)])
def test_evaluate_finds_the_rows_held_out_of_each_data(run, extended_map, data, count):
    folder, _ = extended_map
    output = run("evaluate", folder / "ten.safetensors", folder / f"{data}.npz", "--json").stdout
    report = json.loads(output)
    assert report["rows"] == count
    assert "held out" in report["measured_on"]
    if data == "zeros":
        fit_report = load_model(folder / "ten.safetensors").fit_report_
        assert report["mse"] == pytest.approx(fit_report["mse"])


def test_another_model_needs_force_and_leaves_no_pictures(run, extended_map, tmp_path):
    folder, _ = extended_map
    path = tmp_path / "m.safetensors"
    run("fit", "wine", "-n", "4", "--epochs", "1", "-o", path)
    before, picture = path.read_bytes(), tmp_path / "m.plane.png"
    command = ["fit", folder / "zeros.npz", "--continue", folder / "nine.safetensors", "-o", path]
    result = run(*command, code=2)
    assert "an AutoEncoder with 4 components of wine" in result.stderr
    assert "--force" in result.stderr and path.read_bytes() == before
    picture.write_bytes(b"a picture of the earlier model")
    run(*command, "--force")
    run(*command)  # The file now contains the same model.
    assert load_model(path).partial_fit_report_["rows"] == 135
    assert picture.read_bytes() != b"a picture of the earlier model"


def test_verbs_accept_an_extended_map(run, extended_map, tmp_path):
    folder, _ = extended_map
    model, zeros = folder / "ten.safetensors", folder / "zeros.npz"
    assert "LatentMap" in run("info", model).stdout
    run("encode", model, zeros, "-o", tmp_path / "codes.npy")
    run("decode", model, tmp_path / "codes.npy", "-o", tmp_path / "rows.npy")
    run("generate", model, "-n", 4, "-o", tmp_path / "made.npy")
    run("plot", model, zeros, "-o", tmp_path / "plot.png")
    assert len(np.load(tmp_path / "rows.npy")) == 150


@pytest.mark.parametrize(
    ("option", "value"),
    [("--recipe", "map"), ("-n", 2), ("--network", "dense"), ("--neighbors", 5), ("--epochs", 3)],
)
def test_settings_are_rejected(run, extended_map, option, value):
    model = extended_map[0] / "nine.safetensors"
    result = run("fit", "digits", "--continue", model, option, value, code=2)
    assert "the settings of the model are kept" in result.stderr
    assert (option if option != "-n" else "--components") in result.stderr


def test_models_that_cannot_be_continued_are_reported(
    run, extended_map, plain_model, nonsense, tmp_path
):
    before = plain_model.read_bytes()
    result = run("fit", "digits", "--continue", plain_model, code=2)
    assert "expected a LatentMap, found AutoEncoder" in result.stderr
    assert plain_model.read_bytes() == before
    model = extended_map[0] / "nine.safetensors"
    before = model.read_bytes()
    assert "5 features" in run("fit", nonsense / "narrow.npy", "--continue", model, code=2).stderr
    rows = np.zeros((30, 8, 8))
    rows[4, 1, 1] = np.nan
    np.save(tmp_path / "nan.npy", rows)
    assert "row 4" in run("fit", tmp_path / "nan.npy", "--continue", model, code=2).stderr
    assert "no such file" in run("fit", "digits", "--continue", "no.safetensors", code=2).stderr
    assert model.read_bytes() == before


def test_a_table_with_column_names_can_be_continued(run, tmp_path):
    rng = np.random.default_rng(0)
    table = np.c_[rng.normal(size=(80, 3)), rng.integers(0, 2, 80)]
    header = {"header": "a,b,c,kind", "comments": "", "delimiter": ","}
    np.savetxt(tmp_path / "rows.csv", table, **header)
    path = tmp_path / "m.safetensors"
    run("fit", tmp_path / "rows.csv", "--label", "kind", "--epochs", 1, "-o", path)
    result = run("fit", tmp_path / "rows.csv", "--continue", path)
    assert "Rows added to the map" in result.stdout
    assert "warning" not in result.stderr.lower()
