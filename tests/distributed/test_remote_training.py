from types import SimpleNamespace

import numpy as np
import pytest

from latentmap.distributed import remote_training
from latentmap.distributed.remote_training import RemoteLauncher
from latentmap.errors import SettingError
from latentmap.training.task import TrainingTask


class Variable:
    """A Keras variable that stores what is assigned to it."""

    def assign(self, value):
        self.value = value


def objective(network="dense"):
    spec = SimpleNamespace(network=network)
    return SimpleNamespace(
        builder=SimpleNamespace(spec=spec), weights=[Variable() for _ in range(11)]
    )


class Group:
    """A group of workers that returns fixed arrays."""

    def __init__(self, workers, job, visible):
        self.job = job

    def run(self, total_steps):
        assert total_steps == 100 // 10 * 2
        weights = {f"weight/{i:04d}": np.full(2, i) for i in range(11)}
        return {"history": np.array([[0, 1], [np.nan, 3], [5, 4], [5, 4]], float), **weights}


@pytest.fixture
def launcher(monkeypatch):
    monkeypatch.setattr(remote_training, "WorkerGroup", Group)
    return RemoteLauncher(SimpleNamespace(count=2))


def train(launcher, model, n_rows=100):
    config = SimpleNamespace(batch_size_for=lambda count: 10)
    return launcher.run(model, TrainingTask(range(n_rows), None, 2, config, 0))


def test_weights_and_history_are_copied_from_the_workers(launcher):
    model = objective()
    history = train(launcher, model)
    assert [variable.value[0] for variable in model.weights] == list(range(11))
    assert history["epoch"] == [0, 1] and isinstance(history["epoch"][0], int)
    assert history["val_loss"] == [5, 4]


def test_a_pair_of_keras_models_is_rejected(launcher):
    with pytest.raises(SettingError, match="found a pair of Keras models"):
        train(launcher, objective(network=("encoder", "decoder")))


def test_more_workers_than_rows_are_rejected(launcher):
    with pytest.raises(SettingError, match="workers: expected at most 1, the number of rows"):
        train(launcher, objective(), n_rows=1)
