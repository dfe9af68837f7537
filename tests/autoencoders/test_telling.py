import copy

import keras
import numpy as np
import pytest
from sklearn.base import clone

from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder
from latentmap.autoencoders import telling
from latentmap.data import ArraySource
from latentmap.data.memory import memory_limit
from latentmap.errors import DataError, SettingError, TooLargeError
from latentmap.networks.dense import DenseNetwork
from latentmap.training.loop import pace, train
from latentmap.training.strategy import trained_by

SMALL = DenseNetwork((16,))
MODELS = [
    AutoEncoder(3, network=SMALL, epochs=1),
    VariationalAutoEncoder(2, network=SMALL, epochs=1),
    LatentMap(2, network=SMALL, epochs=1),
]


@pytest.fixture
def talkative(monkeypatch):
    """Rehearse and tell of fits however short."""
    monkeypatch.setattr(telling, "QUICK_NUMBERS", 0)
    monkeypatch.setattr(telling, "SPOKEN_SECONDS", 0.0)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_telling_changes_nothing_of_the_model(model, digits, talkative, capsys):
    rows = digits[:100]
    model.set_params(random_state=np.random.RandomState(5), verbose=True)
    told = model.fit(rows).fingerprint()
    said = capsys.readouterr().err
    assert said.index("memory") < said.index("fitting")
    model.set_params(random_state=np.random.RandomState(5), verbose=False)
    assert model.fit(rows).fingerprint() == told
    assert "memory" not in capsys.readouterr().err


def test_telling_changes_nothing_of_a_growth(digits, talkative, capsys):
    network = DenseNetwork((16,), normalize=True)
    model = LatentMap(network=network, epochs=1, random_state=0).fit(digits[:100])
    silent, told = copy.deepcopy(model), model.set_params(verbose=True)
    capsys.readouterr()
    told.partial_fit(digits[100:160])
    said = capsys.readouterr().err
    assert said.index("finding out") < said.index("memory") < said.index("fitting")
    assert told.fingerprint() == silent.partial_fit(digits[100:160]).fingerprint()
    assert "memory" not in capsys.readouterr().err


def test_short_fits_are_not_rehearsed(digits, monkeypatch):
    def never(rows):
        raise AssertionError("rehearsed")

    monkeypatch.setattr(telling, "measure", never)
    assert telling.expected_cost(AutoEncoder(2, epochs=3, verbose=True), digits) is None
    assert telling.expected_cost(LatentMap(epochs=3, verbose=True), digits) is None


def test_convolutions_use_their_few_weights_at_every_pixel():
    rows = ArraySource(np.zeros((2700, 28, 28), np.uint8))
    quick = {}
    for name, network in {"conv": "conv", "dense": DenseNetwork((60,))}.items():
        model = clone(AutoEncoder(16, network=network, epochs=3))
        model._check_settings()
        plan = model._expected(rows)
        quick[name] = (plan.weights, telling._quick(rows, plan))
    assert quick["conv"][0] < quick["dense"][0]
    assert quick["dense"][1] and not quick["conv"][1]


class Others:
    """Other processes that train, or so it seems."""

    def __init__(self):
        self.did = []

    def pace(self, advance, *told):
        advance(0, note="starting")
        self.did.append("pace")
        return pace(*told)._replace(step=100.0, resident=7_000_000_000, processes=2)

    def train(self, *told):
        self.did.append("train")
        return train(*told)


def test_what_is_refused_is_refused_before_others_are_hired(digits, talkative):
    def average(rows, outputs):
        return keras.ops.mean((rows - outputs) ** 2)

    for settings, X in (({"loss": average}, digits), ({}, np.full((100, 3), np.nan))):
        others = Others()
        with trained_by(others), pytest.raises((SettingError, DataError)):
            AutoEncoder(2, network=SMALL, verbose=True, **settings).fit(X)
        assert others.did == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_where_others_train_they_tell_how_long_their_steps_take(model, digits, talkative, capsys):
    others = Others()
    with trained_by(others):
        clone(model).set_params(verbose=True).fit(digits[:100])
    assert others.did == ["pace", "train"]
    told = capsys.readouterr().err
    assert "hours and" in told or "minutes and" in told
    assert "of memory here, 7.0 GB in each worker" in told


def test_nobody_is_hired_for_a_trial_of_a_short_fit(digits):
    others = Others()
    with trained_by(others):
        AutoEncoder(2, network=SMALL, epochs=1, verbose=True).fit(digits[:100])
    assert others.did == ["train"]


def test_nothing_is_told_of_own_networks(digits, talkative):
    own = (keras.Sequential([keras.Input((8, 8))]), keras.Sequential([keras.Input((2,))]))
    assert telling.expected_cost(AutoEncoder(2, network=own, verbose=True), digits) is None


def test_a_fit_beyond_the_limit_is_refused_before_any_work(digits, monkeypatch):
    monkeypatch.setattr(AutoEncoder, "_fit", None)  # not to be called
    wide = DenseNetwork((30_000, 30_000))
    with (
        memory_limit("1.5GB"),
        pytest.raises(TooLargeError, match=r"^memory: expected a memory limit of"),
    ):
        AutoEncoder(2, network=wide).fit(digits)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (AutoEncoder(training="long"), "^training: expected a Training or None"),
        (LatentMap(training=3), "^training: expected a Training or None"),
        (LatentMap(layout=[1, 2]), "^layout: expected"),
        (LatentMap(epochs=0), "^epochs: expected"),
    ],
)
def test_settings_are_refused_as_without_telling(model, sentence, digits, talkative):
    for verbose in (False, True):
        with pytest.raises((SettingError, DataError), match=sentence):
            model.set_params(verbose=verbose).fit(digits)


def test_a_bad_number_is_named_by_its_own_row(talkative):
    rows = np.zeros((9000, 5))
    rows[::2] = np.nan
    rows[:501] = 0.0
    with pytest.raises(DataError, match="row 502"):
        AutoEncoder(2, verbose=True).fit(rows)
