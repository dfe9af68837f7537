from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA

from latentmap import load_model
from latentmap.cli.fit_estimator import default_output
from latentmap.errors import FileError


def test_fit_writes_a_model_and_four_plots(digits_fit):
    model, result = digits_fit
    names = ["codes.png", "loss.png", "plane.png", "reconstructions.png", "safetensors"]
    assert sorted(p.name for p in model.parent.iterdir()) == [f"digits.{name}" for name in names]
    for name in names:
        assert f"Wrote {model.with_suffix('.' + name)}\n" in result.stderr


def test_fit_reports_quality_on_unseen_rows(digits_fit):
    model, result = digits_fit
    assert "Quality on the 359 unseen rows of digits" in result.stdout
    report = load_model(model).fit_report_
    assert f"{report['trustworthiness']:.3f}" in result.stdout
    assert f"{report['accuracy_10']:.3f}" in result.stdout
    printed = " ".join(result.stdout.split())
    assert f"neighbour recall at 10 {report['recall_10']:.3f}" in printed
    assert report["held_out"] == {"data_set": "digits", "rows": 359}


def test_fit_prints_its_steps(digits_fit):
    output = digits_fit[1].stderr
    for words in (
        "Reading digits…",
        "Starting JAX…",
        "Fitting 1,438 rows of 8×8 pixels with the recipe 'map'",
    ):
        assert words in output


def test_two_or_three_components_make_a_map(digits_fit, wine_model):
    assert type(load_model(digits_fit[0])).__name__ == "LatentMap"
    assert type(load_model(wine_model)).__name__ == "AutoEncoder"  # as its recipe asked for


def test_fit_learns_a_given_layout(run, wine_csv, tmp_path):
    rows = load_wine().data
    np.save(tmp_path / "places.npy", PCA(2).fit_transform(rows / rows.std(axis=0)))
    model = tmp_path / "m.safetensors"
    options = ["--label", "kind", "--layout", tmp_path / "places.npy", "--epochs", 40, "-o", model]
    result = run("fit", wine_csv, *options)
    assert "R² of the layout" in result.stdout
    report = load_model(model).fit_report_
    assert report["layout_r2"] > 0.9
    assert "R² of the layout" in run("info", model).stdout


def test_fit_compares_rows_by_the_cosine(run, wine_csv, tmp_path):
    model = tmp_path / "m.safetensors"
    run("fit", wine_csv, "--label", "kind", "--metric", "cosine", "--epochs", 2, "-o", model)
    assert load_model(model).metric == "cosine"
    assert "cosine" in run("info", model).stdout
    result = run("fit", wine_csv, "--metric", "jaccard", "-o", model, code=2)
    assert "unknown metric 'jaccard'" in result.stderr


def test_a_batch_size_alone_holds_no_rows_out_of_a_map(run, wine_csv, tmp_path):
    model = tmp_path / "m.safetensors"
    run("fit", wine_csv, "--label", "kind", "--epochs", 1, "--batch-size", 40, "-o", model)
    training = load_model(model).training
    assert (training.batch_size, training.held_out, training.learning_rate) == (40, 0, 0.01)


def test_a_layout_of_another_length_is_reported(run, wine_csv, tmp_path):
    np.save(tmp_path / "short.npy", np.zeros((5, 2)))
    options = ["--label", "kind", "--layout", tmp_path / "short.npy"]
    result = run("fit", wine_csv, *options, "-o", tmp_path / "m.safetensors", code=2)
    assert "expected a position for each of 178 rows, found 5" in result.stderr
    assert not (tmp_path / "m.safetensors").exists()


def test_options_are_passed_to_the_estimator(run, tmp_path):
    model = tmp_path / "m.safetensors"
    options = ["--epochs", 2, "--batch-size", 64, "--learning-rate", 0.01, "--noise", 0.1]
    options += ["-n", 3, "--scaling", "columns", "--seed", 7]
    result = run("fit", "wine", "-o", model, *options)
    assert "Hint" not in result.stderr  # columns have been given the same weight
    fitted = load_model(model)
    assert (fitted.n_components, fitted.epochs, fitted.training.noise) == (3, 2, 0.1)
    assert (fitted.scaling, fitted.random_state, fitted.verbose) == ("columns", 7, False)
    assert (fitted.training.batch_size, fitted.training.learning_rate) == (64, 0.01)


def test_options_do_not_change_the_rest_of_a_recipe(run, tmp_path):
    model = tmp_path / "m.safetensors"
    run("fit", "digits", "-o", model, "--recipe", "article", "--epochs", 1, "--batch-size", 16)
    training = load_model(model).training
    assert (training.batch_size, training.schedule, training.held_out) == (16, "constant", 0)


def test_a_variational_model_reports_its_elbo(run, tmp_path):
    model = tmp_path / "m.safetensors"
    result = run("fit", "digits", "-o", model, "--recipe", "variational", "--epochs", 2)
    assert "negative ELBO" in result.stdout
    assert load_model(model).fit_report_["negative_elbo"] > 0


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("mnist", "mnist"),
        ("mnist:unseen", "mnist-unseen"),
        ("{folder}/rows.csv", "rows"),
        ("{folder}", "faces"),
        ("{folder}/../faces/.", "faces"),
    ],
)
def test_the_model_is_named_after_the_data(tmp_path, data, name):
    folder = tmp_path / "faces"
    folder.mkdir()
    (folder / "rows.csv").touch()
    assert default_output(data.format(folder=folder)) == Path(f"{name}.safetensors")


def test_a_tenth_is_held_out_and_recorded(wine_fit):
    model, result = wine_fit
    held_out = load_model(model).fit_report_["held_out"]
    assert {key: held_out[key] for key in ("rows", "rows_total", "seed")} == {
        "rows": 18,
        "rows_total": 178,
        "seed": 0,
    }
    assert "Quality on 18 of 178 rows of wine.csv, which were held out" in result.stdout
    # The summary above this line lists the columns of a table.
    assert "Fitting 160 rows with the recipe" in " ".join(result.stderr.split())


def test_verbs_accept_sparse_rows(run, words_npz, tmp_path):
    model, codes = tmp_path / "words.safetensors", tmp_path / "codes.csv"
    result = run("fit", words_npz, "-o", model, "--epochs", 3)
    assert "Fitting 270 rows of 400 columns" in result.stderr
    assert load_model(model).fit_report_["accuracy_10"] > 0.9
    assert (tmp_path / "words.reconstructions.png").is_file()
    run("encode", model, words_npz, "-o", codes)
    assert len(codes.read_text().splitlines()) == 301
    assert "Quality on 30 of 300 rows of words.npz" in run("evaluate", model, words_npz).stdout
    run("plot", model, words_npz, "-o", tmp_path / "words.png")


def test_few_rows_are_not_evaluated(run, tmp_path):
    np.save(tmp_path / "few.npy", np.random.default_rng(0).normal(size=(12, 4)))
    result = run("fit", tmp_path / "few.npy", "-o", tmp_path / "few.safetensors")
    assert "12 rows are too few to hold out a part" in result.stderr
    assert "Quality" not in result.stdout
    assert (tmp_path / "few.codes.png").is_file()
    report = run("evaluate", tmp_path / "few.safetensors", tmp_path / "few.npy")
    assert "all 12 rows of few.npy, which the model was fitted to" in report.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mnits"], "unknown data set 'mnits', did you mean 'mnist'?"),
        (["missing.csv"], "missing.csv: no such file"),
        (["wine", "--recipe", "artcle"], "unknown recipe 'artcle', did you mean 'article'?"),
        (["wine", "--network", "dens"], "dens"),
        (["wine", "--recipe", "dense", "--loss", "berno"], "berno"),
        (["wine", "--loss", "mae"], "--loss: the recipe 'map' does not have this setting"),
        (["wine", "--scaling", "column"], "column"),
        (["wine", "--noise", "-1"], "noise"),
        (["wine", "--beta", "2"], "--beta: the recipe 'map' does not have this setting"),
        (["wine", "--recipe", "article", "--beta", "1"], "--beta: the recipe 'article'"),
        (["wine", "--recipe", "dense", "--neighbors", "9"], "--neighbors: the recipe 'dense'"),
        (["wine", "--learning-rate", "-1"], "learning_rate"),
        (["wine", "--network", "conv"], ""),
        (["wine", "--label", "kind"], "label 'kind'"),
        (["{wine}", "--label", "kin"], "kin"),
        (["{nonsense}/text.csv", "--scaling", "unit"], "scaling: expected 'auto' or"),
        (["{nonsense}/nan.npy"], "nan.npy, row 0, column 0: expected a finite number"),
        (["{nonsense}/one.npy"], "at least 2 rows"),
        (["wine", "-o", "model.pkl"], "model.pkl: expected the suffix .safetensors, found '.pkl'"),
        (["wine", "-o", "no/folder/m.safetensors"], "the folder no/folder does not exist"),
    ],
)
def test_invalid_arguments_are_reported(
    run, wine_csv, nonsense, tmp_path, monkeypatch, arguments, words
):
    monkeypatch.chdir(tmp_path)
    texts = [a.format(wine=wine_csv, nonsense=nonsense) for a in arguments]
    result = run("fit", *texts, code=2)
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert words in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_plot_that_fails_leaves_the_model(run, tmp_path, monkeypatch):
    def fail(*arguments):
        raise FileError("no space left")

    monkeypatch.setattr("latentmap.cli.pictures.draw_reconstructions", fail)
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(40, 4)))
    path = tmp_path / "model.safetensors"
    output = run("fit", tmp_path / "rows.npy", "-n", "1", "--epochs", "1", "-o", path, code=2)
    assert "model.safetensors; model.reconstructions.png is missing" in output.stderr
    assert load_model(path).transform(np.zeros((2, 4))).shape == (2, 1)
