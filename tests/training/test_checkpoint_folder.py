"""Fits that are killed and resumed from the checkpoints of a folder."""

import contextlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

from latentmap import AutoEncoder, Checkpoints, LatentMap, Training, load_model
from latentmap.backend import train_steps
from latentmap.errors import FileError, ModelFileError, SettingError
from latentmap.maps import layout_extension
from latentmap.training import checkpoint_folder, loop

X = load_digits().data[:300].astype("float32")
SCRIPT = """
import sys, warnings
import numpy as np
from sklearn.datasets import load_digits
from latentmap import AutoEncoder, Checkpoints, LatentMap, Training
from latentmap.training import loop

loop.CHUNK_STEPS = 4
folder, output, kind = sys.argv[1:]
X = load_digits().data[:300].astype("float32")
settings = {"epochs": 40, "random_state": 0}
model = LatentMap(2, **settings) if kind == "map" else AutoEncoder(3, **settings)
print("starting", flush=True)
with Checkpoints(folder, seconds=0):
    model.fit(X)
    model.save(output)
"""


class KilledError(BaseException):
    """A kill at a moment of the fit."""


def kill_at(monkeypatch, n_saves):
    """Raise an error after a number of saved files."""
    save, count = Checkpoints.save, [0]

    def save_and_die(self, *arguments):
        save(self, *arguments)
        count[0] += 1
        if count[0] == n_saves:
            raise KilledError

    monkeypatch.setattr(Checkpoints, "save", save_and_die)


def fit(folder=None, estimator=AutoEncoder, **settings):
    model = estimator(2, **{"epochs": 6, "random_state": 0} | settings)
    if folder is None:
        return model.fit(X)
    with Checkpoints(folder, seconds=0):
        return model.fit(X)


def assert_equal_models(model, expected):
    for name in ("encoder_", "decoder_"):
        for weight, other in zip(
            getattr(model, name).weights, getattr(expected, name).weights, strict=True
        ):
            np.testing.assert_array_equal(weight.numpy(), other.numpy())
    assert str(model.history_) == str(expected.history_)


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    monkeypatch.setattr(loop, "CHUNK_STEPS", 4)
    monkeypatch.setattr(checkpoint_folder, "MAX_SAVING_SHARE", 1e9)


# The first file of a map is its layout.
@pytest.mark.parametrize(
    ("estimator", "n_saves"),
    [(AutoEncoder, 7), (LatentMap, 1), pytest.param(LatentMap, 7, marks=pytest.mark.slow)],
)
def test_a_killed_fit_resumes_with_the_same_weights(estimator, n_saves, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        kill_at(patch, n_saves)
        with pytest.raises(KilledError):
            fit(tmp_path / "fit", estimator)
    if estimator is LatentMap:  # The layout is loaded.
        monkeypatch.setattr(layout_extension, "compute_layout", None)
    resumed = fit(tmp_path / "fit", estimator)
    monkeypatch.undo()
    monkeypatch.setattr(loop, "CHUNK_STEPS", 4)
    assert_equal_models(resumed, fit(estimator=estimator))
    assert not (tmp_path / "fit").exists()


def test_a_killed_fit_resumes_with_single_steps_of_keras(tmp_path, monkeypatch):
    """PyTorch and TensorFlow train by single steps of Keras, and JAX by its own compiled steps."""
    monkeypatch.setattr(train_steps, "_STEPPERS", {})
    with monkeypatch.context() as patch:
        kill_at(patch, 1)
        with pytest.raises(KilledError):
            fit(tmp_path / "fit")
    assert_equal_models(fit(tmp_path / "fit"), fit())


def test_a_fit_that_stopped_early_is_not_continued(tmp_path, monkeypatch):
    settings = {"epochs": 60, "training": Training(patience=1, learning_rate=0.05)}
    expected = fit(**settings)
    assert expected.history_["epoch"][-1] < 60
    with Checkpoints(tmp_path / "fit", seconds=1e6):
        model = AutoEncoder(2, random_state=0, **settings)
        monkeypatch.setattr(AutoEncoder, "_measure_codes", kill)
        with pytest.raises(KilledError):
            model.fit(X)
        monkeypatch.undo()
        assert_equal_models(model.fit(X), expected)


def kill(*arguments):
    raise KilledError


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"epochs": 7}, "number of epochs"),
        ({"random_state": 1}, "seed and initial weights"),
        ({"training": Training(learning_rate=0.01)}, "training settings"),
        ({"n_components": 3}, "initial weights"),
    ],
)
def test_a_checkpoint_of_another_fit_is_refused(changed, name, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        kill_at(patch, 1)
        with pytest.raises(KilledError):
            fit(tmp_path)
    model = AutoEncoder(**{"n_components": 2, "epochs": 6, "random_state": 0} | changed)
    with pytest.raises(SettingError, match=f"found one with other .*{name}"), Checkpoints(tmp_path):
        model.fit(X)
    with pytest.raises(SettingError, match="found one with other rows"), Checkpoints(tmp_path):
        AutoEncoder(2, epochs=6, random_state=0).fit(X[::-1])


def test_a_damaged_checkpoint_is_refused(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        kill_at(patch, 1)
        with pytest.raises(KilledError):
            fit(tmp_path)
    path = tmp_path / "training.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ModelFileError):
        fit(tmp_path)


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match="expected a folder"), Checkpoints(tmp_path / "file"):
        pass


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), Path.mkdir])
@pytest.mark.parametrize("name", ["training", "layout"])
def test_a_checkpoint_that_is_not_a_regular_file_is_refused(name, make, tmp_path):
    make(tmp_path / f"{name}.safetensors")
    with pytest.raises(FileError, match=f"{name}.safetensors: expected"), Checkpoints(tmp_path):
        pass


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("gone")])
def test_pipes_and_dangling_links_are_refused_as_folders(make, tmp_path):
    make(tmp_path / "fit")
    with pytest.raises(SettingError, match="expected a folder"), Checkpoints(tmp_path / "fit"):
        pass


def test_a_folder_that_cannot_be_written_is_refused_before_the_fit(user_folder):
    (user_folder / "fit").mkdir(mode=0o500)
    with pytest.raises(FileError, match="cannot be written"), Checkpoints(user_folder / "fit"):
        pass


def test_a_link_to_a_folder_is_kept(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "fit").symlink_to("real")
    fit(tmp_path / "fit")
    assert (tmp_path / "fit").is_symlink()
    assert not list((tmp_path / "real").iterdir())


def test_other_files_of_the_folder_are_kept(tmp_path):
    AutoEncoder(2, network="linear", epochs=1).fit(X).save(tmp_path / "layout.safetensors")
    content = (tmp_path / "layout.safetensors").read_bytes()
    fit(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["layout.safetensors"]
    assert (tmp_path / "layout.safetensors").read_bytes() == content


def test_partial_fit_saves_no_checkpoint(tmp_path):
    model = LatentMap(epochs=1, random_state=0).fit(X[:200])
    with Checkpoints(tmp_path / "fit", seconds=0):
        model.partial_fit(X[200:])
        assert not list((tmp_path / "fit").iterdir())


@pytest.mark.parametrize("options", [["--workers", "2"], ["--continue", "map.safetensors"]])
def test_the_command_refuses_checkpoints_where_they_do_not_apply(options, run, tmp_path):
    output = run("fit", "mnist", "--checkpoint", tmp_path, *options, code=2).output
    assert "--checkpoint: not possible with" in output


def test_the_command_resumes_a_killed_fit(run, tmp_path, monkeypatch):
    np.save(tmp_path / "iris.npy", load_iris().data)
    command = ["fit", tmp_path / "iris.npy", "-n", "2", "--epochs", "2", "-o"]
    run(*command, tmp_path / "expected.safetensors")
    command += [tmp_path / "resumed.safetensors", "--checkpoint", tmp_path / "folder"]
    with monkeypatch.context() as patch:
        kill_at(patch, 2)
        with pytest.raises(KilledError):
            run(*command)
    assert list((tmp_path / "folder").iterdir())
    run(*command)
    assert not (tmp_path / "folder").exists()
    expected = (tmp_path / "expected.safetensors").read_bytes()
    assert (tmp_path / "resumed.safetensors").read_bytes() == expected


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["autoencoder", "map"])
def test_ten_random_kills(kind, tmp_path):
    def start(folder, output):
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT, folder, output, kind], stdout=subprocess.PIPE
        )

    expected, output = tmp_path / "expected.safetensors", tmp_path / "resumed.safetensors"
    with start(tmp_path / "first", expected) as process:
        process.stdout.readline()
        begin = time.monotonic()
    assert process.returncode == 0
    seconds, rng = time.monotonic() - begin, random.Random(0)
    for _ in range(10):
        with start(tmp_path / "fit", output) as process:
            process.stdout.readline()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(rng.uniform(0.2, 0.8) * seconds)
            process.kill()
    with start(tmp_path / "fit", output) as process:
        process.wait()
    assert output.read_bytes() == expected.read_bytes()
    assert load_model(output).transform(X).shape == (300, 2 if kind == "map" else 3)
