from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from latentmap import load_model
from latentmap.analysis import density_and_coverage, evaluate_generated, step_sizes
from latentmap.data import load_dataset, open_data

UNSEEN = load_dataset("digits", "unseen")


def picture_width(path):
    with Image.open(path) as picture:
        return picture.width


def test_rows_are_sampled_from_the_model(run, digits_model, tmp_path):
    result = run("generate", digits_model, "-n", 20, "-o", tmp_path / "rows.npy", "--seed", 3)
    model = load_model(digits_model).set_params(random_state=3)
    assert np.array_equal(np.load(tmp_path / "rows.npy"), model.sample(20))
    assert "rows.npy: 20 rows, sampled from the model's own distribution" in result.stderr
    assert picture_width(tmp_path / "rows.png") > 500


def test_rows_sampled_from_reference_codes_resemble_them(run, plain_model, tmp_path):
    paths = [tmp_path / f"{name}.npy" for name in ("like", "again")]
    for target in paths:
        message = run(
            "generate", plain_model, "-n", 4000, "--reference", "digits", "-o", target
        ).stderr
    assert "Gaussians fitted to 1,438 codes of digits" in message
    similar_rows, repeated_rows = map(np.load, paths)
    assert np.array_equal(similar_rows, repeated_rows)
    assert similar_rows.shape == (4000, 8, 8)
    model = load_model(plain_model)
    codes = model.transform(load_dataset("digits", "unseen"))
    real = model.inverse_transform(codes)
    uniform_codes = np.random.default_rng(0).uniform(codes.min(0), codes.max(0), (4000, 2))
    uniform_rows = model.inverse_transform(uniform_codes)
    fidelity = density_and_coverage(real, similar_rows)
    assert fidelity.coverage > 0.8
    assert fidelity.density > 1.1 * density_and_coverage(real, uniform_rows).density


def test_generated_rows_are_compared_with_real_rows(run, plain_model, tmp_path):
    target, options = (
        tmp_path / "rows.npy",
        ["--reference", "digits", "--compare-with", "digits:unseen"],
    )
    message = run("generate", plain_model, "-n", 600, "-o", target, *options).stderr
    expected = evaluate_generated(load_model(plain_model), UNSEEN[:], np.load(target))
    density = f"density {expected.density:.2f} (about 1 for real rows)"
    coverage = f"coverage {expected.coverage:.2f} (at most 1)"
    assert f"Compared with 359 rows of digits:unseen: {density}, {coverage}" in message


def test_batches_add_up_to_all_rows(run, digits_model, plain_model, tmp_path, monkeypatch):
    monkeypatch.setattr("latentmap.cli.row_generation._BATCH_NUMBERS", 64 * 7)
    for number, options in enumerate([(digits_model,), (plain_model, "--reference", "digits")]):
        target = tmp_path / f"{number}.npy"
        run("generate", *options, "-n", 40, "-o", target)
        rows = np.load(target)
        assert len(np.unique(rows.reshape(40, -1), axis=0)) == 40


def test_an_interpolation_ends_at_both_rows(run, digits_model, tmp_path):
    end_rows = "digits:unseen#0", "digits:unseen#7"
    result = run("generate", digits_model, "--between", *end_rows, "-n", 9, "-o", tmp_path / "walk")
    model, unseen = load_model(digits_model), load_dataset("digits", "unseen")
    steps = open_data(tmp_path / "walk")[:].astype(float)
    reconstructions = model.inverse_transform(model.transform(unseen[[0, 7]]))
    assert np.abs(steps[[0, -1]] - np.clip(reconstructions, 0, 255)).max() <= 0.51
    assert "step sizes equal within" in result.stderr
    assert (tmp_path / "walk.png").exists()


def test_an_interpolation_on_a_map_stays_in_dense_regions(digits_model):
    from latentmap.analysis import interpolate

    model = load_model(digits_model)
    codes = model.transform(load_dataset("digits"))
    rng, shares = np.random.default_rng(0), np.linspace(0, 1, 300)[:, None]
    floor = np.percentile(model.density(model.landmarks_), 5)
    for a, b in codes[rng.choice(len(codes), (6, 2), replace=False)]:
        steps = interpolate(model, a, b, 20)
        straight = model.density((1 - shares) * a + shares * b).min()
        assert model.density(steps).min() >= min(straight, floor) * 0.99
        sizes = step_sizes(model, steps)
        assert sizes.max() / sizes.min() < 1.5  # few landmarks, and gaps without a way round


def test_variations_of_a_row_of_a_table(run, wine_model, wine_csv, tmp_path):
    target = tmp_path / "near.csv"
    run("generate", wine_model, "--vary", f"{wine_csv}#5", "-n", 12, "--spread", 0.3, "-o", target)
    original = open_data(wine_csv, label="kind").numbers()
    variations = open_data(target).numbers()
    assert variations.feature_names == original.feature_names
    proline = original.feature_names.index("proline")
    differences = np.abs(variations[:][:, proline] - original[5][proline])
    assert differences.max() < original[:][:, proline].std()
    assert len(np.unique(variations[:], axis=0)) == 12
    assert not target.with_suffix(".png").exists()


def test_a_table_can_be_drawn(run, wine_model, wine_csv, tmp_path):
    end_rows = f"{wine_csv}#0", f"{wine_csv}#177"
    result = run(
        "generate", wine_model, "--between", *end_rows, "-n", 8, "-o", tmp_path / "walk.png"
    )
    assert picture_width(tmp_path / "walk.png") > 800
    assert "walk.png: 8 rows, interpolated from" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["walk.png"]


def test_a_plot_of_many_rows_shows_a_sample(run, digits_model, tmp_path):
    result = run("generate", digits_model, "-n", 1000, "-o", tmp_path / "rows.png")
    assert "rows.png: 400 of 1,000 rows" in result.stderr


@pytest.mark.parametrize(
    ("options", "output", "words"),
    [
        ([], "rows.txt", "expected one of the suffixes .npy"),
        ([], "no/folder/rows.npy", "does not exist"),
        (["--between", "digits#0", "digits#1", "--vary", "digits#1"], "r.npy", "found both"),
        (["--between", "digits#0", "digits#1", "-n", 1], "r.npy", "--rows: expected at least 2"),
        (["--between", "digits", "digits#1"], "r.npy", "expected one row"),
        (["--between", "digits#1"], "r.npy", "--between: expected two rows, such as"),
        (["--between", "digits#0", "digits#99999"], "r.npy", "row number below 1,438"),
        (["--vary", "wine#0"], "r.npy", "X has 13 features"),
        (["--vary", "digits#0", "--spread", 0], "r.npy", "--spread: expected a number above 0"),
        (["--vary", "digits#0", "--spread", "nan"], "r.npy", "--spread: expected a number above 0"),
        (["--reference", "{nonsense}/narrow.npy"], "r.npy", "X has 5 features"),
        (["--reference", "{nonsense}/one.npy"], "r.npy", "X has 5 features"),
        (["--reference", "missing.npy"], "r.npy", "no such file"),
        (["--reference", "digits#3"], "r.npy", "expected at least 2"),
        (["--compare-with", "wine"], "r.npy", "X has 13 features"),
        (
            ["--vary", "digits#0", "--compare-with", "digits"],
            "r.npy",
            "--compare-with: expected random samples",
        ),
    ],
)
def test_invalid_arguments_are_reported(
    run, digits_model, nonsense, tmp_path, monkeypatch, options, output, words
):
    monkeypatch.chdir(tmp_path)
    options = [str(option).format(nonsense=nonsense) for option in options]
    result = run("generate", digits_model, *options, "-o", output, code=2)
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert words in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_table_is_not_written_to_a_folder_of_images(run, wine_model, tmp_path):
    result = run("generate", wine_model, "-o", tmp_path / "folder", code=2)
    assert "folder: expected images for a folder, found 13 columns of a table" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_files_is_not_changed(run, digits_model, tmp_path):
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "mine.txt").write_text("keep")
    result = run("generate", digits_model, "-o", tmp_path / "rows", code=2)
    assert "found one that is not empty" in result.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["rows", "mine.txt"]


def test_the_model_is_not_overwritten(run, digits_model, tmp_path):
    result = run("generate", digits_model, "-o", digits_model, code=2)
    assert "found the input itself" in result.stderr


@pytest.mark.parametrize("option", ["--reference", "--vary", "--compare-with"])
def test_the_inputs_are_not_overwritten(run, digits_model, tmp_path, option):
    target = tmp_path / "rows.npy"
    np.save(target, UNSEEN[:50])
    before = target.read_bytes()
    data = f"{target}#3" if option == "--vary" else target
    result = run("generate", digits_model, option, data, "-o", target, code=2)
    assert "found the input itself" in result.stderr
    assert target.read_bytes() == before


def test_one_row_is_not_enough_for_a_density(run, plain_model, tmp_path):
    np.save(tmp_path / "one.npy", UNSEEN[:1])
    result = run("generate", plain_model, "--vary", tmp_path / "one.npy", "-o", "n.npy", code=2)
    assert "one.npy: expected at least 2 rows" in result.stderr
    assert "name other rows with --reference DATA" in result.stderr
