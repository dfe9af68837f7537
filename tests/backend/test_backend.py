import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from latentmap.backend import block_rows, engine, make_stepper, predict, start_engine, to_32_bit
from latentmap.backend.train_steps import _KerasStepper
from latentmap.maps.map_networks import MapNetworkSpec, build_map
from latentmap.networks.assembly import NetworkSpec, build_autoencoder
from latentmap.networks.dense import DenseNetwork
from latentmap.networks.losses import LOSSES

keras = start_engine()
ON_JAX = keras.backend.backend() == "jax"


def make_objective(seed=0, optimizer="adam"):
    network = DenseNetwork(hidden=(6,), principal=False)
    model = build_autoencoder(
        NetworkSpec((4,), 2, network, LOSSES["gaussian"], np.zeros(()), np.ones(()), seed=seed)
    ).objective
    model.compile(optimizer=keras.optimizers.get(optimizer))
    return model


def make_batches(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 8, 4)).astype("float32")


# -- choice of the engine --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "jax"),
        ('{"backend": "torch"}', "torch"),
        ('{"backend": "tensorflow"}', "jax"),
        ('{"backend": 3}', "jax"),
        ("{", "jax"),
        ("[]", "jax"),
        ("{}", "jax"),
    ],
)
def test_engine_is_read_from_the_settings_file(content, expected, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    if content is not None:
        (tmp_path / "keras.json").write_text(content)
    assert engine._engine_name() == expected


@pytest.mark.skipif(not ON_JAX, reason="only JAX has this compilation cache")
def test_new_process_uses_jax_and_a_compilation_cache(tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "tensorflow"}))
    code = (
        "import latentmap.backend as b, numpy as np; k = b.start_engine();"
        "m = k.Sequential([k.Input((64,)), k.layers.Dense(64, 'silu'), k.layers.Dense(1)]);"
        "b.predict(m, np.ones((2, 64), 'float32')); print(k.backend.backend())"
    )
    removed_variables = {"KERAS_BACKEND", "JAX_COMPILATION_CACHE_DIR"}
    other_variables = {
        name: value for name, value in os.environ.items() if name not in removed_variables
    }
    env = {**other_variables, "KERAS_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert result.stdout.strip() == "jax", result.stderr
    assert list(tmp_path.glob("latentmap/jax-*"))


# -- training steps --------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_steps_equal_those_of_keras(optimizer, max_difference):
    model, keras_model = make_objective(0, optimizer), make_objective(0, optimizer)
    rows = make_batches(12)
    stepper = make_stepper(model)
    stepper.run(rows[:7])
    stepper.run(rows[7:])
    loss = stepper.finish()
    losses = [float(keras_model.train_on_batch(batch)) for batch in rows]
    assert max_difference(model, keras_model) < 1e-5
    assert max_difference(model, make_objective(0, optimizer)) > 1e-3
    assert loss == pytest.approx(np.mean(losses), rel=1e-4)


def test_finish_returns_the_mean_loss_since_the_last_call():
    model = make_objective(optimizer=keras.optimizers.SGD(0.0))
    stepper, rows = make_stepper(model), make_batches(6)
    mean_losses = [float(predict(model, batch)[:, 0].mean()) for batch in rows]
    stepper.run(rows[:2])
    assert stepper.finish() == pytest.approx(np.mean(mean_losses[:2]), rel=1e-5)
    stepper.run(rows[2:])
    assert stepper.finish() == pytest.approx(np.mean(mean_losses[2:]), rel=1e-5)


@pytest.mark.skipif(not ON_JAX, reason="only JAX has a compiled loop")
def test_shorter_chunk_is_not_compiled_again(monkeypatch, max_difference):
    model, single_step_model, rows = make_objective(), make_objective(), make_batches(10)
    traces = []
    step = model.train_step
    monkeypatch.setattr(model, "train_step", lambda *args: traces.append(1) or step(*args))
    stepper, single_stepper = make_stepper(model), make_stepper(single_step_model)
    for start, stop in [(0, 4), (4, 8), (8, 10)]:
        stepper.run(rows[start:stop])
    stepper.finish()
    for batch in rows:
        single_stepper.run(batch[None])
    single_stepper.finish()
    assert len(traces) == 1
    assert max_difference(model, single_step_model) < 1e-6


def test_steps_accept_integer_rows(max_difference):
    model, float_model = make_objective(), make_objective()
    rows = np.random.default_rng(0).integers(0, 256, (5, 8, 4)).astype(np.uint8)
    for trained_model, batches in [(model, rows), (float_model, rows.astype("float32"))]:
        stepper = make_stepper(trained_model)
        stepper.run(batches)
        stepper.finish()
    assert max_difference(model, float_model) < 1e-6


# -- inference -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network():
    layers = [keras.layers.Dense(64, "silu"), keras.layers.Dense(3)]
    return keras.Sequential([keras.Input((50,)), *layers])


@pytest.mark.parametrize("n", [0, 1, 15, 1023, 1024, 1025, 2500])
def test_predict_returns_one_output_per_row(network, n):
    rows = np.random.default_rng(n).normal(size=(n, 50)).astype("float32")
    first, second = network.layers
    hidden = rows @ np.asarray(first.kernel) + np.asarray(first.bias)
    hidden = hidden / (1 + np.exp(-hidden))
    outputs = predict(network, rows)
    assert outputs.shape == (n, 3)
    assert outputs.dtype == np.float32
    expected = hidden @ np.asarray(second.kernel) + np.asarray(second.bias)
    assert np.allclose(outputs, expected, atol=1e-4)


def test_output_of_a_row_does_not_depend_on_other_rows(network):
    rows = np.random.default_rng(0).normal(size=(2100, 50)).astype("float32")
    all_outputs = predict(network, rows)
    for subset in (
        slice(0, 1),
        slice(7, 8),
        slice(1000, 1100),
        slice(1500, None),
        slice(None, None, -3),
    ):
        assert np.array_equal(predict(network, rows[subset]), all_outputs[subset])


@pytest.mark.parametrize(
    ("row_shape", "rows"), [((1,), 1024), ((784,), 1024), ((4096,), 512), ((1000, 1000, 3), 16)]
)
def test_block_rows_decreases_with_the_size_of_rows(row_shape, rows):
    assert block_rows(row_shape) == rows


def test_to_32_bit_converts_large_integers_to_float():
    large = np.array([5_000_000_000, -(2**62)])
    assert to_32_bit(large).tolist() == [5e9, -float(2**62)]
    assert to_32_bit(np.array([1e39])).tolist() == [np.inf]  # The checks of rows report it.
    small = np.array([1, 2], np.uint16)
    assert to_32_bit(small) is small


def test_threads_can_predict_with_the_same_model():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    rows = np.random.default_rng(0).random((50, 3))
    expected = predict(model, rows)
    with ThreadPoolExecutor(4) as pool:
        thread_codes = list(pool.map(lambda _: predict(model, rows), range(40)))
    assert all(np.array_equal(codes, expected) for codes in thread_codes)


# -- rows with targets -----------------------------------------------------------------------------


def make_pairs(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 4)).astype("float32"), rng.normal(size=(n, 2)).astype("float32")


def make_map_objective():
    network, centers = DenseNetwork(hidden=(6,), principal=False), make_pairs(12, seed=1)[1]
    spec = MapNetworkSpec(
        (4,),
        2,
        network,
        LOSSES["gaussian"],
        np.zeros(()),
        np.ones(()),
        decoder_network=network,
        centers=centers,
        anchors=centers,
    )
    model = build_map(spec).fit_objective
    model.compile(optimizer=keras.optimizers.Adam(0.01))
    return model


def test_predict_accepts_rows_with_targets():
    model, (rows, targets) = make_map_objective(), make_pairs(2500)
    all_outputs = predict(model, (rows, targets))
    assert all_outputs.shape == (2500, 3)
    for subset in (slice(0, 1), slice(1000, 1100), slice(2000, None)):
        assert np.array_equal(predict(model, (rows[subset], targets[subset])), all_outputs[subset])
    assert not np.allclose(predict(model, (rows, targets[::-1])), all_outputs)
    float64_pair = (rows.astype(np.float64), targets.astype(np.float64))
    assert np.array_equal(predict(model, float64_pair), all_outputs)


@pytest.mark.parametrize("stepper_class", [make_stepper, _KerasStepper])
def test_steps_accept_rows_with_targets(stepper_class, max_difference):
    model, keras_model = make_map_objective(), make_map_objective()
    batches = tuple(array.reshape(12, 8, -1) for array in make_pairs(96))
    stepper = stepper_class(model)
    stepper.run(tuple(array[:7] for array in batches))
    stepper.run(tuple(array[7:] for array in batches))
    stepper.wait()
    loss = stepper.finish()
    losses = [float(keras_model.train_on_batch(pair)) for pair in zip(*batches, strict=True)]
    assert max_difference(model, keras_model) < 1e-5
    assert max_difference(model, make_map_objective()) > 1e-3
    assert loss == pytest.approx(np.mean(losses), rel=1e-4)
