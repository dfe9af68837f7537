import numpy as np
import pytest

from latentmap.distributed.coordinator import Coordinator


@pytest.fixture
def coordinator():
    return Coordinator(2)


def test_all_workers_of_one_group_must_register(coordinator):
    assert not coordinator.status().all_present
    coordinator.register(1)
    assert not coordinator.status().all_present
    coordinator.register(0)
    assert coordinator.status().all_present
    coordinator.register(0)  # of a new group
    assert not coordinator.status().all_present
    coordinator.register(1)
    assert coordinator.status().all_present


def test_status_contains_the_last_report(coordinator):
    coordinator.report(5, "compiling")
    coordinator.report(None, "reading")
    coordinator.report(7)
    coordinator.resume(2)
    coordinator.resume(3)
    status = coordinator.status()
    assert (status.steps, status.note, status.resumed_epochs) == (7, "reading", (2, 3))
    assert status.error is None and not status.finished


def test_the_result_finishes_the_training(coordinator):
    assert coordinator.result() is None
    coordinator.finish({"history": np.zeros(3)})
    assert coordinator.status().finished
    assert list(coordinator.result()) == ["history"]


def test_the_first_error_is_stored_and_returned_to_reports(coordinator):
    first = ValueError("first")
    coordinator.fail(first)
    coordinator.fail(ValueError("second"))
    assert coordinator.status().error is first and coordinator.report(1) is first
