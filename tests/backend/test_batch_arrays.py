"""Tests on the CPU that rows cached on an accelerator give the results of streamed rows."""

import numpy as np
import pytest

from latentmap.backend import (
    batch_arrays,
    cache_on_device,
    free_bytes,
    has_accelerator,
    inference,
    make_stepper,
    predict,
    predict_batches,
    start_engine,
    train_steps,
)
from latentmap.data.sources import ArraySource
from latentmap.maps.map_networks import MapNetworkSpec, build_map
from latentmap.networks.assembly import NetworkSpec, build_autoencoder
from latentmap.networks.dense import DenseNetwork
from latentmap.networks.losses import LOSSES
from latentmap.training import loop
from latentmap.training.config import Training
from latentmap.training.loop import train
from latentmap.training.task import RowsWithTargets, TrainingTask

keras = start_engine()
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="only JAX caches rows on the device"
)
RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (500, 6)).astype(np.uint8)
TARGETS = RNG.normal(size=(500, 2)).astype("float32")


@pytest.fixture
def gpu_memory(monkeypatch):
    """Report the memory of a small GPU, so that rows are cached on the CPU device."""
    monkeypatch.setattr(batch_arrays, "free_bytes", lambda: 1 << 24)
    monkeypatch.setattr(batch_arrays, "CHUNK_BYTES", 700)


class BlockSource(ArraySource):
    block_starts = np.arange(0, 500, 90)


def test_cached_rows_keep_their_dtype_and_order(gpu_memory):
    cached = cache_on_device(ArraySource(BYTES).take, 500)
    assert cached.dtype == np.uint8
    assert np.array_equal(np.asarray(cached), BYTES)
    rows, targets = cache_on_device(
        RowsWithTargets(ArraySource(BYTES.astype(float)), TARGETS).take, 500
    )
    assert rows.dtype == np.float32
    assert np.array_equal(np.asarray(rows), BYTES)
    assert np.array_equal(np.asarray(targets), TARGETS)


def test_rows_are_cached_only_up_to_half_of_the_free_memory(monkeypatch):
    take = ArraySource(BYTES.astype(float)).take  # As float32, a row has 24 bytes.
    monkeypatch.setattr(batch_arrays, "free_bytes", lambda: 2 * 24 * 500)
    assert cache_on_device(take, 500) is not None
    monkeypatch.setattr(batch_arrays, "free_bytes", lambda: 2 * 24 * 500 - 1)
    assert cache_on_device(take, 500) is None


def test_rows_are_not_cached_without_an_accelerator():
    if has_accelerator():
        pytest.skip("this machine has an accelerator")
    assert free_bytes() == 0
    assert cache_on_device(ArraySource(BYTES).take, 500) is None


def test_steps_on_row_indices_equal_steps_on_rows(gpu_memory, max_difference):
    indices = RNG.integers(0, 500, (7, 8)).astype(np.int32)
    cached = cache_on_device(ArraySource(BYTES).take, 500)
    models = []
    for stepper_class in (make_stepper, train_steps._KerasStepper):
        model = make_autoencoder()
        model.compile(optimizer="adam")
        stepper = stepper_class(model)
        stepper.run(indices, cached)
        stepper.finish()
        models.append(model)
    model = make_autoencoder()
    model.compile(optimizer="adam")
    stepper = make_stepper(model)
    stepper.run(BYTES[indices])
    stepper.finish()
    for indexed_model in models:
        assert max_difference(indexed_model, model) < 1e-6


def make_autoencoder():
    network = DenseNetwork((5,), principal=False)
    scale = np.full((), 255, "float32")
    spec = NetworkSpec((6,), 2, network, LOSSES["bernoulli"], 0 * scale, scale, noise=0.1)
    return build_autoencoder(spec).objective


def make_map():
    network, ones = DenseNetwork((5,), principal=False, normalize=True), np.ones((), "float32")
    centers = TARGETS[:12]
    spec = MapNetworkSpec(
        (6,), 2, network, LOSSES["gaussian"], 0 * ones, 255 * ones, decoder_network=network,
        centers=centers, anchors=centers,
    )  # fmt: skip
    return build_map(spec).fit_objective


SOURCES = {
    "array": (make_autoencoder, ArraySource(BYTES)),
    "subset": (make_autoencoder, ArraySource(BYTES).subset(np.arange(0, 500, 2))),
    "blocks": (make_autoencoder, BlockSource(BYTES)),
    "rows with targets": (make_map, RowsWithTargets(ArraySource(BYTES), TARGETS)),
    "blocks with targets": (make_map, RowsWithTargets(BlockSource(BYTES), TARGETS)),
}


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_training_on_cached_and_streamed_rows_gives_equal_weights(
    kind, gpu_memory, monkeypatch, set_memory_use, max_difference
):
    make_model, rows = SOURCES[kind]
    set_memory_use(shuffle_buffer=1)
    used_cache = []
    run = train_steps._JaxStepper.run

    def record_run(steps, batches, device_rows=None):
        used_cache.append(device_rows is not None)
        run(steps, batches, device_rows)

    monkeypatch.setattr(train_steps._JaxStepper, "run", record_run)

    def fit():
        model = make_model()
        config = Training(batch_size=16, learning_rate=0.01)
        train(model, TrainingTask(rows, None, 3, config, seed=4))
        return model

    cached = fit()
    assert used_cache
    assert all(used_cache)
    monkeypatch.setattr(loop, "cache_on_device", lambda take, count: None)
    streamed = fit()
    assert not all(used_cache)
    assert max_difference(cached, streamed) < 1e-6
    assert max_difference(cached, make_model()) > 1e-3


def test_pending_blocks_are_returned_in_order(monkeypatch):
    double = keras.Sequential([keras.Input((6,)), keras.layers.Rescaling(2.0)])
    blocks = [BYTES[:130], BYTES[130:131], BYTES[131:]]
    monkeypatch.setattr(inference, "MAX_PENDING_BLOCKS", {False: 3, True: 3})
    outputs = list(predict_batches(double, blocks, 64))
    assert [len(block) for block in outputs] == [64, 64, 2, 1, 64, 64, 64, 64, 64, 49]
    assert np.array_equal(np.concatenate(outputs), 2.0 * BYTES)
    assert list(predict_batches(double, [])) == []


def test_blocks_are_larger_on_an_accelerator(monkeypatch):
    monkeypatch.setattr(inference, "has_accelerator", lambda: True)
    assert [inference.block_rows(shape) for shape in [(2,), (28, 28), (1000, 1000, 3)]] == [
        32768,
        32768,
        16,
    ]
    monkeypatch.setattr(inference, "BLOCK_ROWS", {True: 256})
    model = make_autoencoder()
    assert predict(model, BYTES).shape == (500, 2)


def test_matrix_products_use_full_float32_precision_by_default():
    import jax

    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2)])
    weights = [w.value for w in model.weights]

    def compiled_text():
        return inference._compile(lambda: model).lower(weights, [], BYTES).as_text()

    assert "HIGHEST" in compiled_text()
    with jax.default_matmul_precision("tensorfloat32"):
        assert "HIGHEST" not in compiled_text()


@pytest.mark.gpu
def test_gpu_caches_rows_and_gives_the_codes_of_the_cpu():
    if not has_accelerator():
        pytest.skip("this machine has no accelerator")
    import jax

    model = make_autoencoder()
    train(model, TrainingTask(ArraySource(BYTES), None, 2, Training(batch_size=16), seed=0))
    gpu_codes = predict(model, BYTES)
    with jax.default_device(jax.devices("cpu")[0]):
        cpu_model = make_autoencoder()
        for weight, gpu_weight in zip(cpu_model.weights, model.get_weights(), strict=True):
            weight.assign(gpu_weight)
        cpu_codes = keras.ops.convert_to_numpy(cpu_model(BYTES))
    assert free_bytes() > 0
    assert np.allclose(gpu_codes, cpu_codes, rtol=1e-4, atol=1e-5)
