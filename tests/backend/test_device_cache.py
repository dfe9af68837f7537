"""What an accelerator changes, checked on the processor: the same rows in the same order."""

import numpy as np
import pytest

from latentmap.backend import (
    cache_on_device,
    device_cache,
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
from latentmap.maps.map_networks import MapParts, build_map
from latentmap.networks.assembly import NetworkParts, build_autoencoder
from latentmap.networks.dense import DenseNetwork
from latentmap.networks.losses import LOSSES
from latentmap.training import loop
from latentmap.training.config import Training
from latentmap.training.loop import train
from latentmap.training.targets import RowsWithTargets
from latentmap.training.task import TrainingTask

keras = start_engine()
pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX holds rows")
RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (500, 6)).astype(np.uint8)
SPOTS = RNG.normal(size=(500, 2)).astype("float32")


@pytest.fixture
def room(monkeypatch):
    """A processor that says it has the memory of a small GPU."""
    monkeypatch.setattr(device_cache, "free_bytes", lambda: 1 << 24)
    monkeypatch.setattr(device_cache, "PIECE_BYTES", 700)


class Blocks(ArraySource):
    block_starts = np.arange(0, 500, 90)


def test_rows_keep_their_type_and_place(room):
    held = cache_on_device(ArraySource(BYTES).take, 500)
    assert held.dtype == np.uint8
    assert np.array_equal(np.asarray(held), BYTES)
    rows, spots = cache_on_device(
        RowsWithTargets(ArraySource(BYTES.astype(float)), SPOTS).take, 500
    )
    assert rows.dtype == np.float32
    assert np.array_equal(np.asarray(rows), BYTES)
    assert np.array_equal(np.asarray(spots), SPOTS)


def test_rows_that_do_not_fit_into_half_of_what_is_free_stay(monkeypatch):
    take = ArraySource(BYTES.astype(float)).take  # 24 bytes a row, once they are float32
    monkeypatch.setattr(device_cache, "free_bytes", lambda: 2 * 24 * 500)
    assert cache_on_device(take, 500) is not None
    monkeypatch.setattr(device_cache, "free_bytes", lambda: 2 * 24 * 500 - 1)
    assert cache_on_device(take, 500) is None


def test_where_there_is_no_accelerator_nothing_is_held():
    if has_accelerator():
        pytest.skip("there is one")
    assert free_bytes() == 0
    assert cache_on_device(ArraySource(BYTES).take, 500) is None


def test_numbers_of_held_rows_are_the_rows(room):
    numbers = RNG.integers(0, 500, (7, 8)).astype(np.int32)
    held = cache_on_device(ArraySource(BYTES).take, 500)
    results = []
    for kind in (make_stepper, train_steps._KerasStepper):
        model = alone()
        model.compile(optimizer="adam")
        trainer = kind(model)
        trainer.run(numbers, held)
        trainer.finish()
        results.append(weights(model))
    model = alone()
    model.compile(optimizer="adam")
    trainer = make_stepper(model)
    trainer.run(BYTES[numbers])
    trainer.finish()
    for found in results:
        assert apart(found, weights(model)) < 1e-6


def alone():
    network = DenseNetwork((5,), principal=False)
    scale = np.full((), 255, "float32")
    parts = NetworkParts((6,), 2, network, LOSSES["bernoulli"], 0 * scale, scale, noise=0.1)
    return build_autoencoder(parts).objective


def beside():
    network, one = DenseNetwork((5,), principal=False, normalize=True), np.ones((), "float32")
    centers = SPOTS[:12]
    parts = MapParts(
        (6,), 2, network, LOSSES["gaussian"], 0 * one, 255 * one, decoder_network=network,
        centers=centers, anchors=centers,
    )  # fmt: skip
    return build_map(parts).fit_objective


def weights(model):
    return [keras.ops.convert_to_numpy(w.value) for w in model.weights]


def apart(first, second):
    return max(np.abs(a - b).max() for a, b in zip(first, second, strict=True))


SOURCES = {
    "array": (alone, ArraySource(BYTES)),
    "part": (alone, ArraySource(BYTES).subset(np.arange(0, 500, 2))),
    "blocks": (alone, Blocks(BYTES)),
    "pairs": (beside, RowsWithTargets(ArraySource(BYTES), SPOTS)),
    "pairs in blocks": (beside, RowsWithTargets(Blocks(BYTES), SPOTS)),
}


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_training_on_held_rows_gives_the_same_weights(kind, room, monkeypatch, set_memory_use):
    make, rows = SOURCES[kind]
    set_memory_use(shuffle_buffer=1)
    sent = []
    run = train_steps._JaxStepper.run

    def watched(steps, batches, device_rows=None):
        sent.append(device_rows is not None)
        run(steps, batches, device_rows)

    monkeypatch.setattr(train_steps._JaxStepper, "run", watched)

    def fitted():
        model = make()
        config = Training(batch_size=16, learning_rate=0.01)
        train(model, TrainingTask(rows, None, 3, config, seed=4))
        return weights(model)

    held = fitted()
    assert sent
    assert all(sent)
    monkeypatch.setattr(loop, "cache_on_device", lambda take, count: None)
    streamed = fitted()
    assert not all(sent)
    assert apart(held, streamed) < 1e-6
    assert apart(held, weights(make())) > 1e-3


def test_blocks_under_way_come_back_in_order(monkeypatch):
    double = keras.Sequential([keras.Input((6,)), keras.layers.Rescaling(2.0)])
    parts = [BYTES[:130], BYTES[130:131], BYTES[131:]]
    monkeypatch.setattr(inference, "MAX_PENDING_BLOCKS", {False: 3, True: 3})
    found = list(predict_batches(double, parts, 64))
    assert [len(part) for part in found] == [64, 64, 2, 1, 64, 64, 64, 64, 64, 49]
    assert np.array_equal(np.concatenate(found), 2.0 * BYTES)
    assert list(predict_batches(double, [])) == []


def test_on_an_accelerator_blocks_are_large(monkeypatch):
    monkeypatch.setattr(inference, "has_accelerator", lambda: True)
    assert [inference.block_rows(shape) for shape in [(2,), (28, 28), (1000, 1000, 3)]] == [
        32768,
        32768,
        16,
    ]
    monkeypatch.setattr(inference, "BLOCK_ROWS", {True: 256})
    model = alone()
    assert predict(model, BYTES).shape == (500, 2)


def test_products_of_float32_are_asked_for_whole_unless_the_user_chose():
    import jax

    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2)])
    weights = [w.value for w in model.weights]

    def lowered():
        return inference._compile(lambda: model).lower(weights, [], BYTES).as_text()

    assert "HIGHEST" in lowered()
    with jax.default_matmul_precision("tensorfloat32"):
        assert "HIGHEST" not in lowered()


@pytest.mark.gpu
def test_on_a_gpu_rows_are_held_and_the_figures_are_those_of_the_processor():
    if not has_accelerator():
        pytest.skip("there is no accelerator")
    import jax

    model = alone()
    train(model, TrainingTask(ArraySource(BYTES), None, 2, Training(batch_size=16), seed=0))
    there = predict(model, BYTES)
    with jax.default_device(jax.devices("cpu")[0]):
        twin = alone()
        for ours, theirs in zip(twin.weights, weights(model), strict=True):
            ours.assign(theirs)
        here = keras.ops.convert_to_numpy(twin(BYTES))
    assert free_bytes() > 0
    assert np.allclose(there, here, rtol=1e-4, atol=1e-5)
