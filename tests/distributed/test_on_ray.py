"""Tests on a cluster of two nodes with one core each, on this machine."""

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
from latentmap.autoencoders.persistence import estimator_arrays
from latentmap.data import ArraySource, open_data, write_rows
from latentmap.data.parquet_footers import open_files
from latentmap.data.parquet_source import ParquetSource
from latentmap.data.parquet_tables import ParquetTable
from latentmap.data.table_options import TableOptions
from latentmap.distributed import Workers
from latentmap.distributed.worker_group import WorkerGroup
from latentmap.errors import SettingError
from latentmap.networks.dense import DenseNetwork
from latentmap.training.launcher import LocalLauncher, use_launcher

if os.environ.get("LATENTMAP_NEED_RAY"):
    import ray
else:
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(os.environ.get("KERAS_BACKEND") != "jax", reason="workers need JAX"),
    # Ray raises these warnings, and leaves sockets and files to the garbage collector.
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
    with Workers(2, ray=cluster, checkpoint_seconds=0) as workers:
        yield workers


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """The digits in three Parquet files of a folder, in row groups of 100, with labels."""
    folder, labels = tmp_path_factory.mktemp("digits"), load_digits().target
    for i in range(3):
        part, path = slice(600 * i, 600 * (i + 1)), folder / f"{i}.parquet"
        rows = DIGITS[part]
        write_rows(path, [rows], length=len(rows), labels=labels[part])
        parquet.write_table(parquet.read_table(path), path, row_group_size=100)
    return folder


def kill_once(flag, process=0):
    """Kill a process, by default this one, unless the flag file exists; create the flag file."""
    time.sleep(2)  # Ray Train registers the last checkpoint.
    try:
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(process or os.getpid(), signal.SIGKILL)


class RowsThatKillTheirWorker(ArraySource):
    """Rows in memory that kill the first worker that reads three chunks of them."""

    def __init__(self, array, flag):
        super().__init__(array)
        self.flag, self.driver, self.chunks = str(flag), os.getpid(), 0

    def take(self, indices):
        self.chunks += os.getpid() != self.driver
        if self.chunks == 3:
            kill_once(self.flag)
        return super().take(indices)


class TablesThatKillTheirWorker(ParquetTable):
    """Rows in tables that kill the first worker that reads two parts of them."""

    def prepare(self, flag):
        self.flag, self.driver, self.chunks = str(flag), os.getpid(), 0
        return self

    def take(self, indices):
        self.chunks += os.getpid() != self.driver
        if self.chunks == 2:
            kill_once(self.flag)
        return super().take(indices)


class TablesThatKillTheDispatcher(TablesThatKillTheirWorker):
    """Rows in tables that kill the dispatcher once, and thereby its workers."""

    def take(self, indices):
        self.chunks += os.getpid() != self.driver
        if self.chunks == 2:
            kill_once(self.flag, find_dispatcher())
        return ParquetSource.take(self, indices)


def find_dispatcher():
    """Return the id of the process that distributes the parts."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if b"ray::_dispatch" in process.read_bytes():
                return int(process.parent.name)
    raise AssertionError("no dispatcher is running")


class UnloadedTables(ParquetTable):
    """Rows that are never loaded into memory."""

    def load(self):
        return self


def open_in_chunks(kind, folder):
    """Open a folder of Parquet files as a subclass of ParquetTable."""
    files = open_files(sorted(folder.glob("*.parquet")), "digits")
    return kind(files, files.schema.names, TableOptions(roles={"label": "label"}), False)


def single_process():
    """Return a context manager in which this process trains, despite the workers."""
    return use_launcher(LocalLauncher())


def autoencoder(**settings):
    network = DenseNetwork(hidden=(32,), principal=False)
    training = Training(batch_size=64, held_out=0.1, noise=0.1)
    defaults = {"network": network, "training": training, "epochs": 4, "random_state": 0}
    # "auto" would standardise the columns of tables, but not those of arrays.
    return AutoEncoder(4, scaling="unit", **{**defaults, **settings})


def worker_options(cluster):
    """Return the options of the command for two workers."""
    return ("--workers", 2, "--ray", cluster)


def cores_become_free():
    """Wait for the cluster's cores for at most a minute; return whether they are free."""
    for _ in range(120):
        if ray.available_resources().get("CPU") == 2:
            return True
        time.sleep(0.5)
    return False


def largest_difference(one, other):
    """Return the largest difference between the weights of two models."""
    pairs = zip(estimator_arrays(one).values(), estimator_arrays(other).values(), strict=True)
    return max(np.abs(a - b).max() for a, b in pairs)


@pytest.fixture(scope="module")
def fitted():
    """A model of the tables that one process has fitted."""
    rows = ArraySource(DIGITS.reshape(-1, 64), feature_names=[f"c{i}" for i in range(64)])
    with single_process():
        return autoencoder().fit(rows)


# -- training --------------------------------------------------------------------------------------


def test_two_workers_compute_the_model_of_one_process(workers, cluster, tables, run, tmp_path):
    options = ("--recipe", "dense", "--label", "label", "--noise", 0.1, "--epochs", 2)
    result = run(
        "fit", tables, *options, "-o", tmp_path / "two.safetensors", *worker_options(cluster)
    )
    titles = ["starting 2 workers", "fitting on 2 workers", "stopping 2 workers"]
    positions = [result.stderr.index(title) for title in titles]
    assert positions == sorted(positions)
    with single_process():
        run("fit", tables, *options, "-o", tmp_path / "one.safetensors")
    two, one = (load_model(tmp_path / f"{name}.safetensors") for name in ("two", "one"))
    assert largest_difference(two, one) < 1e-4
    for name in one.history_:
        assert two.history_[name] == pytest.approx(one.history_[name], nan_ok=True, rel=1e-4)
    assert two.fit_report_["mse"] == pytest.approx(one.fit_report_["mse"], rel=1e-4)
    assert workers.resumed_epochs == []


def test_a_killed_worker_is_replaced_and_training_resumes(workers, tmp_path):
    training = Training(batch_size=64, learning_rate=1e-2, held_out=0, patience=None)
    corners = DIGITS[:, 2:4, 2:4].mean(axis=(1, 2)), DIGITS[:, 5:, 5:].mean(axis=(1, 2))
    settings = {"epochs": 4, "training": training, "random_state": 0}
    layout = np.stack(corners, 1)
    resumed, reference = (LatentMap(**settings) for _ in range(2))
    with single_process():
        reference.fit(DIGITS, layout=layout)
    resumed.fit(RowsThatKillTheirWorker(DIGITS, tmp_path / "killed"), layout=layout)
    assert (tmp_path / "killed").exists()
    assert len(workers.resumed_epochs) == 1
    assert workers.resumed_epochs[0] > 1  # not from the start
    assert resumed.history_["loss"][1:] == pytest.approx(reference.history_["loss"][1:], rel=1e-3)
    assert resumed.layout_fit_ == pytest.approx(reference.layout_fit_, rel=3e-2)


def test_training_on_rows_on_disk(workers, fitted, tables):
    rows = open_in_chunks(UnloadedTables, tables)
    model = autoencoder().fit(rows)
    assert model.history_["val_mse"][-1] == pytest.approx(fitted.history_["val_mse"][-1], rel=0.1)
    assert model.history_["val_mse"][-1] < 0.8 * model.history_["val_mse"][0]


def test_objectives_that_workers_cannot_build(workers):
    import keras

    encoder = keras.Sequential([keras.Input((64,)), keras.layers.Dense(2)])
    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(64)])
    rows = DIGITS.reshape(-1, 64)
    with pytest.raises(SettingError, match="network: expected a network of latentmap"):
        AutoEncoder(2, network=(encoder, decoder)).fit(rows)
    lock = __import__("threading").Lock()
    with pytest.raises(SettingError, match="loss: expected an object that can be sent"):
        autoencoder(loss=lambda x, y: (lock, keras.ops.mean((x - y) ** 2, axis=-1))[1]).fit(rows)
    with pytest.raises(SettingError, match=r"workers: expected at most 2, .* found 3"):
        Workers(3).__enter__()


# -- encoding and scoring --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [TablesThatKillTheirWorker, TablesThatKillTheDispatcher])
def test_encode_returns_each_row_once_although_a_process_dies(
    kind, workers, fitted, tables, tmp_path
):
    flag = tmp_path / "killed"
    rows = open_in_chunks(kind, tables).prepare(flag)
    workers.encode(fitted, rows, tmp_path / "codes.parquet")
    assert flag.exists()
    codes = open_data(tmp_path / "codes.parquet", label="label")
    assert len(list((tmp_path / "codes.parquet").iterdir())) == 8
    assert np.array_equal(codes.numbers()[:], fitted.transform(open_data(tables, label="label")))
    assert np.array_equal(codes.labels, load_digits().target)


def test_the_command_gives_the_results_of_one_process(
    workers, cluster, fitted, tables, run, tmp_path
):
    model, scores = tmp_path / "digits.safetensors", tmp_path / "scores.parquet"
    fitted.save(model)
    label_option = ("--label", "label")
    run(
        "encode",
        model,
        tables,
        "-o",
        tmp_path / "codes.parquet",
        *label_option,
        *worker_options(cluster),
    )
    run("encode", model, tables, "-o", tmp_path / "codes.npy", *label_option)
    codes = open_data(tmp_path / "codes.parquet", label="label").numbers()
    assert np.array_equal(codes[:], np.load(tmp_path / "codes.npy"))
    options = ("outliers", model, tables, "-n", 5, "--json", *label_option)
    result = run(*options, "-o", scores, *worker_options(cluster))
    expected = run(*options, "-o", tmp_path / "scores.npy")
    assert json.loads(result.stdout) == json.loads(expected.stdout)
    written = open_data(scores, label="largest_difference").numbers()
    assert np.array_equal(written[:][:, 0], np.arange(len(DIGITS)))
    assert np.allclose(written[:], np.load(tmp_path / "scores.npy")[:, :-1], rtol=1e-6)


def test_the_command_rejects_unsuitable_data_and_outputs(workers, run, tables, fitted, tmp_path):
    model = tmp_path / "model.safetensors"
    fitted.save(model)
    options = ("--workers", 2)
    result = run("encode", model, "digits", "-o", tmp_path / "codes.parquet", *options, code=2)
    assert "expected a .parquet file or a folder of such files for workers" in result.stderr
    options = (*options, "--label", "label")
    result = run("encode", model, tables, "-o", tmp_path / "codes.csv", *options, code=2)
    assert "expected the suffix .parquet, found '.csv'" in result.stderr
    table = parquet.read_table(tables / "0.parquet")
    table = table.set_column(5, "c5", [[0.0] * 599 + [float("nan")]])
    parquet.write_table(table, tmp_path / "nan.parquet")
    codes = tmp_path / "codes.parquet"
    result = run("encode", model, tmp_path / "nan.parquet", "-o", codes, *options, code=2)
    assert "nan.parquet, row 599, column c5" in result.stderr
    result = run("fit", "digits", "--workers", 5000, "-o", tmp_path / "m.safetensors", code=2)
    assert "workers: expected at most" in result.stderr
    assert not list(tmp_path.glob("codes*"))
    (tmp_path / "full.parquet").mkdir()
    (tmp_path / "full.parquet" / "mine").touch()
    result = run("encode", model, tables, "-o", tmp_path / "full.parquet", *options, code=2)
    assert "expected a new or empty folder" in result.stderr
    assert "Encoding" not in result.stderr


def test_workers_cannot_be_entered_twice_or_on_another_cluster(workers, cluster):
    with pytest.raises(SettingError, match="expected a new Workers object"), workers:
        pass
    with pytest.raises(SettingError, match="the address of the connected cluster"):
        Workers(1, ray="127.0.0.1:1").__enter__()
    with Workers(1, ray=cluster):
        pass
    assert ray.is_initialized()  # it was before


def test_an_interrupted_training_ends_and_leaves_no_checkpoint(workers, tmp_path, monkeypatch):
    def interrupt(*_):
        time.sleep(3)
        raise KeyboardInterrupt

    monkeypatch.setattr(WorkerGroup, "_watch", interrupt)
    monkeypatch.setattr(workers, "storage", tmp_path / "checkpoints")
    with pytest.raises(KeyboardInterrupt):
        autoencoder(epochs=10_000).fit(DIGITS)
    assert cores_become_free()  # the workers receive the error at their next report
    assert not list((tmp_path / "checkpoints").glob("*/*"))
