"""Everything that needs a cluster, in one module: two nodes of one core each, on this machine."""

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet
from sklearn.datasets import load_digits

from latentmap import AutoEncoder, LatentMap, Training, load_model
from latentmap.autoencoders import telling
from latentmap.data import ArraySource, open_data, write_rows
from latentmap.data.parquet_tables import ParquetSource
from latentmap.distributed import Workers
from latentmap.errors import SettingError
from latentmap.networks.dense import DenseNetwork

if os.environ.get("LATENTMAP_NEED_RAY"):
    import ray
else:
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(os.environ.get("KERAS_BACKEND") != "jax", reason="workers need JAX"),
    # Ray warns of itself, and leaves sockets and files to the garbage collector.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
DIGITS = (load_digits().images * 15.9375).astype(np.uint8)


@pytest.fixture(scope="module")
def cluster():
    """The address of a cluster of two nodes."""
    from ray import cluster_utils

    node = {"num_cpus": 1, "object_store_memory": 2**27, "include_dashboard": False}
    nodes = cluster_utils.Cluster(initialize_head=True, head_node_args=node)
    try:
        nodes.add_node(num_cpus=1, object_store_memory=2**27)
        yield nodes.address
    finally:
        ray.shutdown()
        nodes.shutdown()


@pytest.fixture(scope="module")
def workers(cluster):
    """Two workers, one on each node."""
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with Workers(2, ray=cluster, seconds=0) as workers:
        yield workers


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """The digits in three Parquet files of a folder, in row groups of 100, with labels."""
    folder, labels = tmp_path_factory.mktemp("digits"), load_digits().target
    for i in range(3):
        here, path = slice(600 * i, 600 * (i + 1)), folder / f"{i}.parquet"
        rows = DIGITS[here]
        write_rows(path, [rows], length=len(rows), labels=labels[here])
        parquet.write_table(parquet.read_table(path), path, row_group_size=100)
    return folder


def kill_once(flag, process=0):
    """End this process, or another, as a machine that fails would, unless one has been ended."""
    time.sleep(2)  # so that the last checkpoint has been taken notice of
    try:
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(process or os.getpid(), signal.SIGKILL)


class MortalRows(ArraySource):
    """Rows in memory, whose reader dies once, at its third chunk."""

    def __init__(self, array, flag):
        super().__init__(array)
        self.flag, self.home, self.taken = str(flag), os.getpid(), 0

    def take(self, indices):
        self.taken += os.getpid() != self.home
        if self.taken == 3:
            kill_once(self.flag)
        return super().take(indices)


class MortalTables(ParquetSource):
    """Rows in tables, whose reader dies once, at its second part."""

    def prepare(self, flag):
        self.flag, self.home, self.taken = str(flag), os.getpid(), 0
        return self

    def take(self, indices):
        self.taken += os.getpid() != self.home
        if self.taken == 2:
            kill_once(self.flag)
        return super().take(indices)


class TablesWithoutForeman(MortalTables):
    """Rows in tables, whose reader kills the foreman once, and ends with him."""

    def take(self, indices):
        self.taken += os.getpid() != self.home
        if self.taken == 2:
            kill_once(self.flag, foreman())
        return ParquetSource.take(self, indices)


def foreman():
    """Find the process that deals parts out."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if b"ray::_oversee" in process.read_bytes():
                return int(process.parent.name)
    raise AssertionError("there is no foreman")


class UnloadedTables(ParquetSource):
    """Rows that stay on the disk."""

    def load(self, max_bytes=None):
        return self


class Undone:
    """A block within the workers' block in which one process trains."""

    def __enter__(self):
        from latentmap.training import strategy

        self.token = strategy._TRAINER.set(None)

    def __exit__(self, *error):
        from latentmap.training import strategy

        strategy._TRAINER.reset(self.token)


def autoencoder(**settings):
    network = DenseNetwork(hidden=(32,), principal=False)
    plan = Training(batch_size=64, held_out=0.1)
    defaults = {"network": network, "training": plan, "noise": 0.1, "epochs": 4, "random_state": 0}
    return AutoEncoder(4, **{**defaults, **settings})


def crew(cluster):
    """Give the options that hire two workers."""
    return ("--workers", 2, "--ray", cluster)


def all_free():
    """Wait for a minute at the most until the cluster's cores are free."""
    for _ in range(120):
        if ray.available_resources().get("CPU") == 2:
            return True
        time.sleep(0.5)
    return False


def apart(one, other):
    """How far the weights of two models are apart."""
    pairs = zip(one._arrays().values(), other._arrays().values(), strict=True)
    return max(np.abs(a - b).max() for a, b in pairs)


@pytest.fixture(scope="module")
def flat():
    """A model of the tables, fitted by one process."""
    rows = ArraySource(DIGITS.reshape(-1, 64), feature_names=[f"c{i}" for i in range(64)])
    with Undone():
        return autoencoder().fit(rows)


# -- training --------------------------------------------------------------------------------------


def test_two_workers_find_the_model_of_one_process(
    workers, cluster, tables, run, tmp_path, monkeypatch
):
    monkeypatch.setattr(telling, "QUICK_NUMBERS", 0)  # a trial is made, and told, however short
    monkeypatch.setattr(telling, "SPOKEN_SECONDS", 0.0)
    settings = ("--recipe", "dense", "--label", "label", "--noise", 0.1, "--epochs", 2)
    told = run("fit", tables, *settings, "-o", tmp_path / "two.safetensors", *crew(cluster))
    words = ["finding out", " in each worker", "compiling on 2 workers", "fitting on 2 workers"]
    places = [told.stderr.index(each) for each in words]
    assert places == sorted(places)
    assert "starting 2 workers…" not in told.stderr  # those of the trial have trained
    monkeypatch.undo()
    with Undone():
        run("fit", tables, *settings, "-o", tmp_path / "one.safetensors")
    two, one = (load_model(tmp_path / f"{name}.safetensors") for name in ("two", "one"))
    assert apart(two, one) < 1e-4
    for name in one.history_:
        assert two.history_[name] == pytest.approx(one.history_[name], nan_ok=True, rel=1e-4)
    assert two.figures_["mse"] == pytest.approx(one.figures_["mse"], rel=1e-4)
    assert workers.replaced == []


def test_a_killed_worker_is_replaced_and_training_goes_on(workers, tmp_path):
    plan = Training(batch_size=64, learning_rate=1e-2, held_out=0, patience=None)
    corners = DIGITS[:, 2:4, 2:4].mean(axis=(1, 2)), DIGITS[:, 5:, 5:].mean(axis=(1, 2))
    settings = {"epochs": 4, "training": plan, "random_state": 0}
    survived, alone = (LatentMap(layout=np.stack(corners, 1), **settings) for _ in range(2))
    with Undone():
        alone.fit(DIGITS)
    survived.fit(MortalRows(DIGITS, tmp_path / "killed"))
    assert (tmp_path / "killed").exists()
    assert len(workers.replaced) == 1
    assert workers.replaced[0] > 1  # not from the start
    assert survived.history_["loss"][1:] == pytest.approx(alone.history_["loss"][1:], rel=1e-3)
    assert survived.following_ == pytest.approx(alone.following_, rel=3e-2)


def test_rows_on_the_disk_train_as_well(workers, flat, tables):
    rows = UnloadedTables(sorted(tables.glob("*.parquet")), label="label", name="digits")
    together = autoencoder().fit(rows)
    assert together.history_["val_mse"][-1] == pytest.approx(flat.history_["val_mse"][-1], rel=0.1)
    assert together.history_["val_mse"][-1] < 0.8 * together.history_["val_mse"][0]


def test_what_cannot_be_trained_on_workers(workers):
    import keras

    forth = keras.Sequential([keras.Input((64,)), keras.layers.Dense(2)])
    back = keras.Sequential([keras.Input((2,)), keras.layers.Dense(64)])
    rows = DIGITS.reshape(-1, 64)
    with pytest.raises(SettingError, match="network: expected a network of latentmap's own"):
        AutoEncoder(2, network=(forth, back)).fit(rows)
    lock = __import__("threading").Lock()
    with pytest.raises(SettingError, match="loss: expected something that can be sent"):
        autoencoder(loss=lambda x, y: (lock, keras.ops.mean((x - y) ** 2, axis=-1))[1]).fit(rows)
    with pytest.raises(SettingError, match=r"workers: expected at most 2, .* found 3"):
        Workers(3).__enter__()


# -- encoding and judging --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [MortalTables, TablesWithoutForeman])
def test_encode_loses_and_doubles_no_row_though_somebody_dies(
    kind, workers, flat, tables, tmp_path
):
    paths, flag = sorted(tables.glob("*.parquet")), tmp_path / "killed"
    rows = kind(paths, label="label", name="digits").prepare(flag)
    workers.encode(flat, rows, tmp_path / "codes.parquet")
    assert flag.exists()
    codes = open_data(tmp_path / "codes.parquet", label="label")
    assert len(list((tmp_path / "codes.parquet").iterdir())) == 8
    assert np.array_equal(codes[:], flat.transform(open_data(tables, label="label")))
    assert np.array_equal(codes.labels, load_digits().target)


def test_the_command_encodes_and_judges_as_one_process(
    workers, cluster, flat, tables, run, tmp_path
):
    model, scores = tmp_path / "digits.safetensors", tmp_path / "scores.parquet"
    flat.save(model)
    named = ("--label", "label")
    run("encode", model, tables, "-o", tmp_path / "codes.parquet", *named, *crew(cluster))
    run("encode", model, tables, "-o", tmp_path / "codes.npy", *named)
    codes = open_data(tmp_path / "codes.parquet", label="label")
    assert np.array_equal(codes[:], np.load(tmp_path / "codes.npy"))
    options = ("outliers", model, tables, "-n", 5, "--json", *named)
    found = run(*options, "-o", scores, *crew(cluster))
    expected = run(*options, "-o", tmp_path / "scores.npy")
    assert json.loads(found.stdout) == json.loads(expected.stdout)
    judged = open_data(scores, label="blamed")
    assert np.array_equal(judged[:][:, 0], np.arange(len(DIGITS)))
    assert np.allclose(judged[:], np.load(tmp_path / "scores.npy")[:, :-1], rtol=1e-6)


def test_what_the_command_refuses(workers, run, tables, flat, tmp_path):
    model = tmp_path / "model.safetensors"
    flat.save(model)
    crew = ("--workers", 2)
    told = run("encode", model, "digits", "-o", tmp_path / "codes.parquet", *crew, code=2)
    assert "expected .parquet, a file or a folder" in told.stderr
    crew = (*crew, "--label", "label")
    told = run("encode", model, tables, "-o", tmp_path / "codes.csv", *crew, code=2)
    assert "expected the suffix .parquet, found '.csv'" in told.stderr
    table = parquet.read_table(tables / "0.parquet")
    table = table.set_column(5, "c5", [[0.0] * 599 + [float("nan")]])
    parquet.write_table(table, tmp_path / "nan.parquet")
    codes = tmp_path / "codes.parquet"
    told = run("encode", model, tmp_path / "nan.parquet", "-o", codes, *crew, code=2)
    assert "nan.parquet, row 599, column c5" in told.stderr
    told = run("fit", "digits", "--workers", 5000, "-o", tmp_path / "m.safetensors", code=2)
    assert "workers: expected at most" in told.stderr
    assert not list(tmp_path.glob("codes*"))
    (tmp_path / "full.parquet").mkdir()
    (tmp_path / "full.parquet" / "mine").touch()
    told = run("encode", model, tables, "-o", tmp_path / "full.parquet", *crew, code=2)
    assert "expected a new or empty folder" in told.stderr
    assert "Encoding" not in told.stderr


def test_what_cannot_be_entered(workers, cluster):
    with pytest.raises(SettingError, match="expected a block of its own"), workers:
        pass
    with pytest.raises(SettingError, match="expected the cluster that is connected"):
        Workers(1, ray="127.0.0.1:1").__enter__()
    with Workers(1, ray=cluster):
        pass
    assert ray.is_initialized()  # it was before


@pytest.mark.parametrize("tried", [False, True])
def test_an_interrupted_training_ends_and_leaves_no_checkpoint(
    tried, workers, tmp_path, monkeypatch
):
    from latentmap.distributed.worker_group import Group

    def interrupted(*_):
        time.sleep(3)
        raise KeyboardInterrupt

    monkeypatch.setattr(Group, "_watch", interrupted)
    monkeypatch.setattr(workers, "storage", tmp_path / "checkpoints")
    monkeypatch.setattr(telling, "QUICK_NUMBERS", 0)
    with pytest.raises(KeyboardInterrupt):  # in the trial, if there is one
        autoencoder(epochs=10_000, verbose=tried).fit(DIGITS)
    assert all_free()  # the workers hear of it at their next chunk
    assert not list((tmp_path / "checkpoints").glob("*/*"))
