import pytest

from latentmap.workers.desk import Desk

TRIAL, TRAINING = ["trial"], ["training"]


@pytest.fixture
def desk():
    return Desk(2)


def test_workers_are_ready_when_all_have_come(desk):
    assert desk.come(0, 0) == (0, None, False)
    assert not desk.told().ready
    desk.come(0, 0)  # again: still one
    assert not desk.told().ready
    desk.come(1, 0)
    assert desk.told().ready


def test_all_do_the_same_jobs_in_the_same_order(desk):
    desk.post(TRIAL)
    assert desk.come(0, 0) == desk.come(1, 0) == (1, TRIAL, False)
    assert desk.come(1, 1)[1] is None  # done before worker 0 has told the outcome
    desk.deliver("quick")
    assert desk.told().over and desk.delivered() == "quick"
    desk.post(TRAINING)
    assert not desk.told().over
    assert desk.come(0, 1) == desk.come(1, 1) == (2, TRAINING, False)


def test_a_new_group_takes_up_what_has_no_outcome_and_nothing_else(desk):
    desk.post(TRIAL)
    assert desk.come(0, 0)[1] == TRIAL
    desk.deliver("quick")
    assert desk.come(0, 0)[1] is None
    desk.post(TRAINING)
    assert desk.come(0, 0) == (2, TRAINING, False)


def test_who_waits_may_go_when_the_desk_closes(desk):
    desk.close()
    assert desk.come(0, 3) == (0, None, True)


def test_news_are_those_of_the_job(desk):
    desk.post(TRIAL)
    desk.tell(5, "compiling")
    desk.go_on(2)
    assert desk.told()[1:] == (5, "compiling", [2], False)
    desk.post(TRAINING)
    assert desk.told()[1:] == (0, "", [], False)


def test_the_first_reason_to_stop_counts(desk):
    first = ValueError("first")
    desk.give_up(first)
    desk.give_up(ValueError("second"))
    assert desk.reason() is first and desk.tell(1, "") is first
