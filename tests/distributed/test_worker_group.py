import numpy as np
import pytest

from latentmap.distributed.worker_group import Coordinator


@pytest.fixture
def coordinator():
    return Coordinator()


def test_the_status_contains_the_last_report(coordinator):
    coordinator.report(5, "compiling")
    coordinator.report(7)
    coordinator.resume(2)
    coordinator.resume(3)
    status = coordinator.status()
    assert (status.steps, status.note, status.resumed_epochs) == (7, "compiling", (2, 3))
    assert status.error is None and not status.has_ended


def test_a_result_ends_the_training(coordinator):
    assert coordinator.status().result is None
    coordinator.finish({"history": np.zeros(3)})
    assert coordinator.status().has_ended
    assert list(coordinator.status().result) == ["history"]


def test_the_first_error_is_stored_and_returned_to_reports(coordinator):
    first = ValueError("first")
    coordinator.fail(first)
    coordinator.fail(ValueError("second"))
    assert coordinator.status().has_ended
    assert coordinator.status().error is first and coordinator.report(1) is first
