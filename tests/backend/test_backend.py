import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from latentmap.backend import block_rows, engine, make_stepper, predict, start_engine, to_32_bit
from latentmap.backend.train_steps import _KerasStepper
from latentmap.maps.map_networks import MapParts, build_map
from latentmap.networks.assembly import NetworkParts, build_autoencoder
from latentmap.networks.dense import DenseNetwork
from latentmap.networks.losses import LOSSES

keras = start_engine()
ON_JAX = keras.backend.backend() == "jax"


def objective(seed=0, optimizer="adam"):
    network = DenseNetwork(hidden=(6,), principal=False)
    made = build_autoencoder(
        NetworkParts((4,), 2, network, LOSSES["gaussian"], np.zeros(()), np.ones(()), seed=seed)
    ).objective
    made.compile(optimizer=keras.optimizers.get(optimizer))
    return made


def batches(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 8, 4)).astype("float32")


def weights(model):
    return [keras.ops.convert_to_numpy(w.value) for w in model.weights]


def apart(first, second):
    return max(np.abs(a - b).max() for a, b in zip(weights(first), weights(second), strict=True))


# -- which engine ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "expected"),
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
def test_engine_of_the_settings_file(written, expected, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    if written is not None:
        (tmp_path / "keras.json").write_text(written)
    assert engine._chosen_engine() == expected


@pytest.mark.skipif(not ON_JAX, reason="JAX's own cache")
def test_a_fresh_process_takes_jax_and_keeps_what_it_compiled(tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "tensorflow"}))
    code = (
        "import latentmap.backend as b, numpy as np; k = b.start_engine();"
        "m = k.Sequential([k.Input((64,)), k.layers.Dense(64, 'silu'), k.layers.Dense(1)]);"
        "b.predict(m, np.ones((2, 64), 'float32')); print(k.backend.backend())"
    )
    unset = {"KERAS_BACKEND", "JAX_COMPILATION_CACHE_DIR"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    env = {**kept, "KERAS_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    told = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert told.stdout.strip() == "jax", told.stderr
    assert list(tmp_path.glob("latentmap/jax-*"))


# -- many steps ------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_many_steps_are_keras_steps(optimizer):
    ours, keras_own, rows = objective(0, optimizer), objective(0, optimizer), batches(12)
    trainer = make_stepper(ours)
    trainer.run(rows[:7])
    trainer.run(rows[7:])
    loss = trainer.finish()
    losses = [float(keras_own.train_on_batch(batch)) for batch in rows]
    assert apart(ours, keras_own) < 1e-5
    assert apart(ours, objective(0, optimizer)) > 1e-3
    assert loss == pytest.approx(np.mean(losses), rel=1e-4)


def test_finish_tells_the_loss_since_the_last_finish():
    model = objective(optimizer=keras.optimizers.SGD(0.0))
    trainer, rows = make_stepper(model), batches(6)
    each = [float(predict(model, batch)[:, 0].mean()) for batch in rows]
    trainer.run(rows[:2])
    assert trainer.finish() == pytest.approx(np.mean(each[:2]), rel=1e-5)
    trainer.run(rows[2:])
    assert trainer.finish() == pytest.approx(np.mean(each[2:]), rel=1e-5)


@pytest.mark.skipif(not ON_JAX, reason="the compiled loop is JAX's")
def test_a_shorter_chunk_is_not_compiled_again(monkeypatch):
    model, single, rows = objective(), objective(), batches(10)
    traced = []
    step = model.train_step
    monkeypatch.setattr(model, "train_step", lambda *args: traced.append(1) or step(*args))
    trainer, one_by_one = make_stepper(model), make_stepper(single)
    for start_, stop in [(0, 4), (4, 8), (8, 10)]:
        trainer.run(rows[start_:stop])
    trainer.finish()
    for batch in rows:
        one_by_one.run(batch[None])
    one_by_one.finish()
    assert len(traced) == 1
    assert apart(model, single) < 1e-6


def test_raw_integers_are_trained_on_as_they_are():
    ours, theirs = objective(), objective()
    rows = np.random.default_rng(0).integers(0, 256, (5, 8, 4)).astype(np.uint8)
    for model, given in [(ours, rows), (theirs, rows.astype("float32"))]:
        trainer = make_stepper(model)
        trainer.run(given)
        trainer.finish()
    assert apart(ours, theirs) < 1e-6


# -- a network over rows ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wide():
    layers = [keras.layers.Dense(64, "silu"), keras.layers.Dense(3)]
    return keras.Sequential([keras.Input((50,)), *layers])


@pytest.mark.parametrize("n", [0, 1, 15, 1023, 1024, 1025, 2500])
def test_apply_gives_one_output_a_row(wide, n):
    rows = np.random.default_rng(n).normal(size=(n, 50)).astype("float32")
    first, second = wide.layers
    hidden = rows @ np.asarray(first.kernel) + np.asarray(first.bias)
    hidden = hidden / (1 + np.exp(-hidden))
    out = predict(wide, rows)
    assert out.shape == (n, 3)
    assert out.dtype == np.float32
    expected = hidden @ np.asarray(second.kernel) + np.asarray(second.bias)
    assert np.allclose(out, expected, atol=1e-4)


def test_a_row_has_the_same_code_beside_any_others(wide):
    rows = np.random.default_rng(0).normal(size=(2100, 50)).astype("float32")
    whole = predict(wide, rows)
    for part in (
        slice(0, 1),
        slice(7, 8),
        slice(1000, 1100),
        slice(1500, None),
        slice(None, None, -3),
    ):
        assert np.array_equal(predict(wide, rows[part]), whole[part])


@pytest.mark.parametrize(
    ("row_shape", "rows"), [((1,), 1024), ((784,), 1024), ((4096,), 512), ((1000, 1000, 3), 16)]
)
def test_blocks_shrink_as_rows_grow(row_shape, rows):
    assert block_rows(row_shape) == rows


def test_narrow_keeps_large_integers():
    large = np.array([5_000_000_000, -(2**62)])
    assert to_32_bit(large).tolist() == [5e9, -float(2**62)]
    assert to_32_bit(np.array([1e39])).tolist() == [np.inf]  # found out by whoever checks the rows
    small = np.array([1, 2], np.uint16)
    assert to_32_bit(small) is small


def test_threads_can_share_a_model():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    rows = np.random.default_rng(0).random((50, 3))
    alone = predict(model, rows)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: predict(model, rows), range(40)))
    assert all(np.array_equal(codes, alone) for codes in together)


# -- rows with something beside each ---------------------------------------------------------------


def pairs(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 4)).astype("float32"), rng.normal(size=(n, 2)).astype("float32")


def pair_objective():
    network, centers = DenseNetwork(hidden=(6,), principal=False), pairs(12, seed=1)[1]
    parts = MapParts(
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
    made = build_map(parts).fit_objective
    made.compile(optimizer=keras.optimizers.Adam(0.01))
    return made


def test_apply_takes_pairs():
    model, (rows, beside) = pair_objective(), pairs(2500)
    whole = predict(model, (rows, beside))
    assert whole.shape == (2500, 3)
    for part in (slice(0, 1), slice(1000, 1100), slice(2000, None)):
        assert np.array_equal(predict(model, (rows[part], beside[part])), whole[part])
    assert not np.allclose(predict(model, (rows, beside[::-1])), whole)
    wide = (rows.astype(np.float64), beside.astype(np.float64))
    assert np.array_equal(predict(model, wide), whole)


@pytest.mark.parametrize("steps", [make_stepper, _KerasStepper])
def test_steps_take_pairs(steps):
    ours, keras_own = pair_objective(), pair_objective()
    batches = tuple(array.reshape(12, 8, -1) for array in pairs(96))
    trainer = steps(ours)
    trainer.run(tuple(array[:7] for array in batches))
    trainer.run(tuple(array[7:] for array in batches))
    trainer.wait()
    loss = trainer.finish()
    losses = [float(keras_own.train_on_batch(pair)) for pair in zip(*batches, strict=True)]
    assert apart(ours, keras_own) < 1e-5
    assert apart(ours, pair_objective()) > 1e-3
    assert loss == pytest.approx(np.mean(losses), rel=1e-4)
