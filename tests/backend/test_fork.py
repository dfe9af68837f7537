"""Tests of forked processes, in which JAX hangs if it had started in the parent."""

import multiprocessing
import pickle
import warnings

import numpy as np
import pytest

from latentmap import AutoEncoder, LatentMap, load_model
from latentmap.errors import ForkError

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


CALLS = {
    "transform": lambda model, path: model.transform(ROWS),
    "inverse_transform": lambda model, path: model.inverse_transform([[0.0]]),
    "score": lambda model, path: model.score(ROWS),
    "fit": lambda model, path: AutoEncoder(1, network="linear").fit(ROWS),
    "fit of a map": lambda model, path: LatentMap(epochs=1).fit(ROWS),
    "load_model": lambda model, path: load_model(path),
}


@pytest.mark.parametrize("name", sorted(CALLS))
def test_calls_in_a_forked_process_raise_one_sentence(name, model, path):
    error = call_in_fork(lambda: CALLS[name](model, path))
    assert isinstance(error, ForkError)
    assert "get_context('spawn')" in str(error)
    assert "\n" not in str(error)


def test_unpickling_in_a_forked_process_raises(model):
    content = pickle.dumps(model)
    assert isinstance(call_in_fork(lambda: pickle.loads(content)), ForkError)


def test_the_parent_still_works(model):
    call_in_fork(lambda: 1)
    assert model.transform(ROWS).shape == (40, 1)
