import numpy as np
import pytest

from latentmap.data import ArraySource
from latentmap.data.memory import ENGINE_BYTES, memory_limit
from latentmap.training import forecast as module
from latentmap.training.forecast import Cost, Pace, Plan, followed_by, forecast, measure
from latentmap.training.loop import Training
from latentmap.training.strategy import Trial

ROWS = ArraySource(np.zeros((12_800, 10), np.float32))
PLAN = Plan(Training(patience=None, held_out=0), 10, 1000)


@pytest.fixture
def found(monkeypatch):
    """Rows that are read and computed at a known pace."""
    monkeypatch.setattr(module, "_slowness", lambda: 1.0)
    return Pace(ROWS, 0.0, 0.0, 1.0, Trial(0.0, 0.5, 0.0, 0), resident=500_000_000)


def test_each_step_counts(found):
    ten, thirty = (forecast(found, PLAN._replace(epochs=epochs)) for epochs in (10, 30))
    assert thirty.seconds - ten.seconds == pytest.approx(20 * 100 * 0.5)
    assert ten.seconds == pytest.approx(10 * 100 * 0.5 + module.START_SECONDS)


def test_what_follows_is_added(found):
    alone = forecast(found, PLAN)
    with followed_by(lambda pace: Cost(7.0, 4e8)):
        both = forecast(found, PLAN)
    assert both.seconds == pytest.approx(alone.seconds + 7.0)
    assert both.peak == pytest.approx(alone.peak + 4e8)


def test_early_stopping_makes_it_the_most(found):
    early = PLAN._replace(training=Training())
    assert forecast(found, early).at_most and not forecast(found, PLAN).at_most


def test_a_slow_machine_takes_longer_for_components(found):
    quick = forecast(found, PLAN._replace(components=5)).seconds
    found.slowness = 3.0  # half of what is measured again, and half of this
    slow = forecast(found, PLAN._replace(components=5)).seconds
    base = forecast(Pace(ROWS, 0.0, 0.0, 1.0, found.trial), PLAN).seconds - 500.0
    assert slow - 500.0 > 1.9 * base and quick < slow


@pytest.fixture
def far(found, monkeypatch):
    """The same rows where they must be read and decoded, for two workers."""
    monkeypatch.setattr(ArraySource, "in_memory", False)
    monkeypatch.setattr(ArraySource, "fits_in_memory", lambda self, max_bytes=None: False)
    found.crew, found.trial = True, Trial(0.0, 0.5, 0.0, 600_000_000, processes=2)
    found.read, found.scan = 3.0, 0.25
    return found


@pytest.mark.parametrize(("raw", "once", "again"), [(True, 0.0, 3.0), (False, 3.0, 0.25)])
def test_workers_read_their_shares_side_by_side(far, monkeypatch, raw, once, again):
    monkeypatch.setattr(ArraySource, "is_decoded", raw)
    ten, thirty = (forecast(far, PLAN._replace(epochs=epochs)) for epochs in (10, 30))
    half = len(ROWS) / 2
    assert thirty.seconds - ten.seconds == pytest.approx(20 * (100 * 0.5 + half * again))
    trained = module._training_seconds(far, PLAN, 0)
    assert trained == pytest.approx(10 * 100 * 0.5 + half * (once + 10 * again))
    assert far.again == far.read  # in the process that waits for them


def test_each_worker_takes_memory_of_its_own(found, far):
    buffers = 2 * 64 * 2**20 + module.PASS_BYTES + module.COPIES * ROWS.nbytes
    assert forecast(far, PLAN).each_worker == 600_000_000 + buffers
    found.crew = False
    assert forecast(found, PLAN).each_worker == 0


def test_rows_in_memory_lie_there_twice_for_workers(found):
    alone = forecast(found, PLAN)
    found.crew = True
    assert forecast(found, PLAN).peak == alone.peak + ROWS.nbytes


def test_a_limit_that_is_kept_is_the_most_that_is_told(found):
    with memory_limit(ENGINE_BYTES), followed_by(lambda pace: Cost(0.0, 9e9)):
        assert forecast(found, PLAN).peak == ENGINE_BYTES


def test_rows_on_a_disk_are_read_from_several_places(tmp_path):
    np.save(tmp_path / "rows.npy", np.arange(200_000 * 30, dtype=np.float32).reshape(-1, 30))
    rows = ArraySource(np.load(tmp_path / "rows.npy", mmap_mode="r"))
    pace, some = measure(rows)
    assert pace.read > 0 and pace.scan > 0 and pace.slowness > 0
    assert some.block_starts is None and len(some) < 20_000
    assert np.isin(some[:][:, 0] / 30, np.arange(200_000)).all()
    with memory_limit(ENGINE_BYTES + 10_000_000):
        assert not pace.in_memory and pace.again == pace.read
    assert pace.in_memory and pace.again == 0


def test_images_that_do_not_fit_are_not_counted_as_held_in_memory(monkeypatch):
    class Images(ArraySource):
        is_decoded = False

    monkeypatch.setattr(ArraySource, "fits_in_memory", lambda self, max_bytes=None: False)
    found, _ = measure(Images(np.zeros((2000, 8, 8), np.uint8)))
    assert not found.in_memory
    assert found.again == found.scan > 0
