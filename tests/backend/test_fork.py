"""Tests of forked processes, in which an engine hangs if it had started in the parent."""

import multiprocessing
import pickle
import warnings

import numpy as np
import pytest

from latentmap import AutoEncoder, LatentMap, load_model
from latentmap.errors import ForkError
from latentmap.networks.dense import DenseNetwork

ROWS = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")


@pytest.fixture(scope="module")
def model():
    return AutoEncoder(1, network="linear", epochs=1, random_state=0).fit(ROWS)


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    model.save(path)
    return path


def call_in_fork(function):
    """Return the error that a function raises in a forked process, or its result."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def send():
        try:
            sender.send(function())
        except Exception as error:
            sender.send(error)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python and JAX warn of forks.
        process = context.Process(target=send)
        process.start()
    try:
        assert receiver.poll(60), "the forked process hangs"
        return receiver.recv()
    finally:
        process.kill()
        process.join()


@pytest.fixture(scope="module")
def rare_model():
    """Return a model with an activation that only an engine computes."""
    network = DenseNetwork((3,), activation="hard_sigmoid", principal=False)
    return AutoEncoder(1, network=network, epochs=1, random_state=0).fit(ROWS)


CALLS = {
    "transform": lambda model: model.transform(ROWS),
    "inverse_transform": lambda model: model.inverse_transform([[0.0]]),
    "score": lambda model: model.score(ROWS),
    "encoder_": lambda model: model.encoder_,
    "fit": lambda model: AutoEncoder(1, network="linear").fit(ROWS),
    "fit of a map": lambda model: LatentMap(epochs=1).fit(ROWS),
}


@pytest.mark.parametrize("name", sorted(CALLS))
def test_calls_that_need_an_engine_raise_one_sentence_in_a_forked_process(name, rare_model):
    error = call_in_fork(lambda: CALLS[name](rare_model))
    assert isinstance(error, ForkError)
    assert "get_context('spawn')" in str(error)
    assert "\n" not in str(error)


def apply_model(model):
    codes = model.transform(ROWS)
    return codes, model.inverse_transform(codes), model.reconstruction_error(ROWS)


@pytest.mark.parametrize("kind", ["fitted", "loaded", "unpickled", "map"])
def test_a_model_is_applied_in_a_forked_process(kind, model, path):
    content, latent_map = pickle.dumps(model), None
    if kind == "map":
        latent_map = LatentMap(epochs=1, random_state=0).fit(ROWS)
    get_model = {
        "fitted": lambda: model,
        "loaded": lambda: load_model(path),
        "unpickled": lambda: pickle.loads(content),
        "map": lambda: latent_map,
    }[kind]
    results = call_in_fork(lambda: apply_model(get_model()))
    for result, expected in zip(results, apply_model(get_model()), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


def test_the_parent_still_works(model):
    call_in_fork(lambda: 1)
    assert model.transform(ROWS).shape == (40, 1)
