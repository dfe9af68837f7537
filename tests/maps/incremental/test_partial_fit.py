"""Tests of `LatentMap.partial_fit`."""

import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from latentmap import AutoEncoder, LatentMap, load_model
from latentmap.data import load_dataset
from latentmap.errors import DataError, ModelFileError, SettingError, TooLargeError
from latentmap.model_file import read_model, write_model
from latentmap.networks.dense import DenseNetwork

SMALL = DenseNetwork(hidden=(64,), activation="relu", principal=False, normalize=True)


@pytest.fixture(scope="module")
def mnist():
    """Return rows and digits: fitted (2 to 9), unseen, more of 2 to 9, and 0 and 1 to add."""
    source = load_dataset("mnist", "fit").subset(np.arange(6000))
    rows, digits = source[:], np.asarray(source.labels)
    known_rows = np.flatnonzero(digits > 1)
    parts = {
        "old": known_rows[:3000],
        "unseen": known_rows[3000:4000],
        "more": known_rows[4000:4400],
    }
    for digit in (0, 1):
        own = np.flatnonzero(digits == digit)
        parts |= {digit: own[:350], f"unseen {digit}": own[350:]}
    return {name: (rows[part], digits[part]) for name, part in parts.items()}


@pytest.fixture(scope="module")
def model(mnist, tmp_path_factory):
    """Return the file of a map of eight digits."""
    path = tmp_path_factory.mktemp("partial_fit") / "eight.safetensors"
    LatentMap(epochs=6, random_state=0).fit(mnist["old"][0]).save(path)
    return path


@pytest.fixture(scope="module")
def small_model(mnist, tmp_path_factory):
    """Return the file of a map that a small network fits to few digits."""
    path = tmp_path_factory.mktemp("small") / "small.safetensors"
    LatentMap(network=SMALL, epochs=2, random_state=0).fit(mnist["old"][0][:300]).save(path)
    return path


@pytest.fixture(scope="module")
def updated(model, mnist):
    """Return the map after adding 0 and then 1, and the report of adding 0."""
    first = load_model(model).partial_fit(mnist[0][0])
    report = first.partial_fit_report_
    return first.partial_fit(mnist[1][0]), report


def median_shift(after, before, rows):
    old, new = before.transform(rows), after.transform(rows)
    return float(np.median(np.linalg.norm(new - old, axis=1)) / np.ptp(old, axis=0).max())


def accuracy(model, fitted, unseen):
    """Return the 10-NN accuracy of unseen rows among the codes of fitted ones."""
    rows, digits = (np.concatenate([part[i] for part in fitted]) for i in range(2))
    classifier = KNeighborsClassifier(10).fit(model.transform(rows), digits)
    return float((classifier.predict(model.transform(unseen[0])) == unseen[1]).mean())


@pytest.mark.slow
def test_codes_of_old_rows_do_not_move(updated, model, mnist):
    before = load_model(model)
    assert median_shift(updated[0], before, mnist["old"][0]) < 0.01
    assert median_shift(updated[0], before, mnist["unseen"][0]) < 0.01
    assert updated[0].partial_fit_report_["median_shift"] < 0.01
    decrease = accuracy(before, [mnist["old"]], mnist["unseen"])
    decrease -= accuracy(updated[0], [mnist["old"], mnist[0], mnist[1]], mnist["unseen"])
    assert decrease < 0.02


@pytest.mark.slow
def test_each_novel_digit_gets_its_own_region(updated, model, mnist):
    after, report = updated
    before = load_model(model)
    assert report["rows"] == len(mnist[0][0]) and report["novel_rows"] > 300
    assert after.partial_fit_report_["novel_rows"] > 300
    old, first, second = np.split(
        after.landmarks_,
        np.cumsum([len(before.landmarks_), report["landmarks"]]),
    )
    assert np.allclose(old, before.landmarks_)
    assert len(second) == after.partial_fit_report_["landmarks"] > 20
    for digit, place in ((0, first), (1, second)):
        codes = after.transform(mnist[f"unseen {digit}"][0])
        near = [np.linalg.norm(codes[:, None] - part, axis=2).min(axis=1) for part in (place, old)]
        assert (near[0] < near[1]).mean() > 0.85
        assert np.median(before.density(codes)) < 0.01  # No earlier rows are there.
        assert np.median(after.density(codes)) > 0.5
    known = [mnist["old"], mnist[0], mnist[1]]
    assert accuracy(after, known, mnist["unseen 0"]) > 0.85
    assert accuracy(after, known, mnist["unseen 1"]) > 0.85


@pytest.mark.slow
def test_novel_digits_are_reconstructed(updated, model, mnist):
    before = load_model(model)
    usual = before.reconstruction_error(mnist["unseen"][0]).mean()
    for digit in (0, 1):
        rows = mnist[f"unseen {digit}"][0]
        error = updated[0].reconstruction_error(rows).mean()
        assert error < 0.75 * before.reconstruction_error(rows).mean()
        assert error < 1.5 * usual
        assert np.median(updated[0].confidence(rows)) > 0.5
    assert updated[0].reconstruction_error(mnist["unseen"][0]).mean() < 1.03 * usual


@pytest.mark.slow
def test_more_rows_of_known_digits_are_not_novel(model, mnist):
    before = load_model(model)
    after = load_model(model).partial_fit(mnist["more"][0])
    assert after.partial_fit_report_["novel_rows"] == after.partial_fit_report_["landmarks"] == 0
    assert np.array_equal(after.landmarks_, before.landmarks_)
    assert median_shift(after, before, mnist["old"][0]) < 0.01
    errors = [m.reconstruction_error(mnist["unseen"][0]).mean() for m in (before, after)]
    assert errors[1] < 1.01 * errors[0]
    scores = [accuracy(m, [mnist["old"]], mnist["unseen"]) for m in (before, after)]
    assert scores[1] > scores[0] - 0.01


@pytest.mark.slow
def test_partial_fit_is_repeatable_and_can_be_saved(model, mnist, updated, tmp_path):
    first, second = (load_model(model).partial_fit(mnist[0][0][:60]) for _ in range(2))
    assert first.partial_fit_report_["landmarks"] > 0
    assert first.fingerprint() == second.fingerprint()
    updated[0].save(tmp_path / "updated.safetensors")
    loaded = load_model(tmp_path / "updated.safetensors")
    rows = mnist["unseen"][0][:50]
    assert np.array_equal(loaded.transform(rows), updated[0].transform(rows))
    assert loaded.partial_fit_report_ == updated[0].partial_fit_report_
    assert loaded.layout_fit_ == updated[0].layout_fit_
    assert np.isfinite(loaded.sample(20)).all()


def test_failed_partial_fit_leaves_the_map_unchanged(small_model, mnist):
    model = load_model(small_model)
    print_before = model.fingerprint()
    invalid_rows = mnist["more"][0][:30].astype(float)
    invalid_rows[7, 3, 3] = np.nan
    with pytest.raises(DataError, match="row 7"):
        model.partial_fit(invalid_rows)
    with pytest.raises(DataError, match="X has 10 features, but LatentMap is expecting 784"):
        model.partial_fit(np.zeros((30, 10)))
    with pytest.raises(DataError, match="0 sample"):
        model.partial_fit(np.zeros((0, 784)))
    with pytest.raises(SettingError, match=r"^epochs: expected 'auto' or an integer"):
        model.set_params(epochs="x").partial_fit(mnist[0][0])
    model.set_params(epochs="auto")
    with pytest.raises(DataError, match="too large"):
        model.partial_fit(np.full((30, 784), 1e38))
    assert model.fingerprint() == print_before


def test_rows_that_exceed_the_memory_are_refused(small_model, mnist, monkeypatch):
    model = load_model(small_model)
    monkeypatch.setattr("latentmap.data.memory.available_bytes", lambda: 50_000)
    with pytest.raises(TooLargeError, match="X: needs"):
        model.partial_fit(mnist["more"][0])


def test_interrupted_partial_fit_leaves_the_map_unchanged(small_model, mnist, monkeypatch):
    model = load_model(small_model)
    codes, fingerprint = model.transform(mnist["more"][0]), model.fingerprint()

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("latentmap.training.loop.train", stop)
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(mnist[0][0])
    assert model.fingerprint() == fingerprint
    assert np.array_equal(model.transform(mnist["more"][0]), codes)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:X. most rows:latentmap.errors.DataWarning")
def test_rows_outside_the_fitted_range_are_finite(model, mnist):
    extreme_rows = mnist[0][0][:100].astype(np.float32) * 20 - 300
    after = load_model(model).partial_fit(extreme_rows)
    assert np.isfinite(after.transform(extreme_rows)).all()
    assert np.isfinite(after.inverse_transform(after.landmarks_)).all()
    assert median_shift(after, load_model(model), mnist["unseen"][0]) < 0.02


@pytest.mark.parametrize(
    "n_components",
    [pytest.param(1, marks=pytest.mark.slow), 2, pytest.param(3, marks=pytest.mark.slow)],
)
def test_partial_fit_of_a_table_in_each_dimension(n_components, tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 6)) + 6 * np.eye(6)[rng.integers(0, 3, 400)]
    new = rng.normal(size=(80, 6)) + 9 * np.eye(6)[4]
    fitted = LatentMap(n_components, network=SMALL, epochs=20, random_state=0).fit(rows)
    before = fitted.transform(rows)
    updated = fitted.partial_fit(new)
    assert updated.partial_fit_report_["novel_rows"] == 80
    far = np.linalg.norm(updated.transform(new)[:, None] - before, axis=2).min(axis=1)
    assert np.median(far) > 0.02 * np.ptp(before, axis=0).max()
    shift = np.linalg.norm(updated.transform(rows) - before, axis=1)
    assert np.median(shift) < 0.02 * np.ptp(before, axis=0).max()
    updated.save(tmp_path / "t.safetensors")
    loaded = load_model(tmp_path / "t.safetensors").partial_fit(rows[:5])
    assert loaded.partial_fit_report_["rows"] == 5


def test_partial_fit_of_an_unfitted_map_is_fit():
    rows = np.random.default_rng(0).normal(size=(60, 4))
    settings = {"network": SMALL, "epochs": 2, "random_state": 0}
    fitted, extended = LatentMap(**settings).fit(rows), LatentMap(**settings).partial_fit(rows)
    assert fitted.fingerprint() == extended.fingerprint()
    assert extended.partial_fit_report_ is None


def test_maps_without_replay_memory_are_refused(small_model, mnist, tmp_path):
    rows = np.random.default_rng(0).normal(size=(60, 4))
    own = LatentMap(network=SMALL, epochs=2).fit(rows, layout=rows[:, :2])
    with pytest.raises(SettingError, match="cannot add rows to a map with a given layout"):
        own.partial_fit(rows)
    metadata, arrays = read_model(small_model)
    older_arrays = {name: array for name, array in arrays.items() if "kept_" not in name}
    write_model(tmp_path / "older.safetensors", metadata, older_arrays)
    with pytest.raises(SettingError, match="fit it again"):
        load_model(tmp_path / "older.safetensors").partial_fit(mnist["more"][0])
    assert not hasattr(AutoEncoder(), "partial_fit")


@pytest.mark.parametrize("name", ["counts", "means", "directions", "scatter"])
def test_a_file_with_an_invalid_replay_memory_is_refused(small_model, tmp_path, name):
    metadata, arrays = read_model(small_model)
    write_model(
        tmp_path / "bad.safetensors",
        metadata,
        {**arrays, f"fitted/kept_{name}": np.full(7, np.nan)},
    )
    with pytest.raises(ModelFileError):
        load_model(tmp_path / "bad.safetensors")


def test_partial_fit_of_a_map_of_equal_rows():
    rows = load_dataset("digits")[:].reshape(-1, 64).astype(np.float32)
    model = LatentMap(epochs=1, random_state=0).fit(np.repeat(rows[:1], 50, axis=0))
    assert np.isfinite(model.partial_fit(rows[:100]).transform(rows[:100])).all()


def test_rows_of_a_table_with_missing_values_are_added():
    rng = np.random.default_rng(0)
    size = rng.normal(50, 10, 300)
    frame = pd.DataFrame({"size": size, "kind": np.where(size > 50, "house", "flat")})
    frame["rooms"] = size / 15 + rng.normal(0, 0.3, 300)
    frame.loc[::7, "size"] = np.nan
    frame.loc[3::9, "kind"] = None
    fitted_map = LatentMap(epochs=5, random_state=0).fit(frame[:200])
    codes, score = fitted_map.transform(frame), fitted_map.score(frame[:200])
    fitted_map.partial_fit(frame[200:])
    assert fitted_map.partial_fit_report_["rows"] == 100
    assert fitted_map.score(frame[:200]) > 1.2 * score  # The score is minus an error.
    shift = np.abs(fitted_map.transform(frame[:200]) - codes[:200])
    assert np.median(shift) < 0.02


def test_novel_rows_are_those_of_the_metric_of_the_map():
    """Long rows in known directions are novel by the Euclidean distance, but not by the cosine."""
    rng = np.random.default_rng(0)
    directions = np.eye(3, 8)[np.arange(600) % 3] + 0.05 * rng.normal(size=(600, 8))
    rows = directions * rng.uniform(1, 2, size=(600, 1))
    long_rows = 10 * directions[:150] * rng.uniform(1, 2, size=(150, 1))
    other_directions = np.eye(8)[5] + 0.05 * rng.normal(size=(150, 8))
    novel_rows = {}
    for metric in ("euclidean", "cosine"):
        settings = {"network": SMALL, "epochs": 2, "scaling": "none", "random_state": 0}
        model = LatentMap(metric=metric, **settings).fit(rows)
        for name, new in (("long", long_rows), ("other", other_directions)):
            report = copy.deepcopy(model).partial_fit(new).partial_fit_report_
            novel_rows[metric, name] = report["novel_rows"]
    assert novel_rows["euclidean", "long"] > 100
    assert novel_rows["cosine", "long"] == 0
    assert novel_rows["cosine", "other"] == 150
