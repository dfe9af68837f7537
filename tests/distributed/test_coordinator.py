import pytest

from latentmap.distributed.coordinator import Desk

TRIAL, TRAINING = ["trial"], ["training"]


@pytest.fixture
def desk():
    return Desk(2)


def test_workers_are_ready_when_all_of_a_group_have_come(desk):
    assert not desk.told().ready
    desk.arrive(1)
    assert not desk.told().ready
    desk.arrive(0)
    assert desk.told().ready
    desk.arrive(0)  # of a new group
    assert not desk.told().ready
    desk.arrive(1)
    assert desk.told().ready


def test_all_do_the_same_jobs_in_the_same_order(desk):
    desk.post(TRIAL)
    assert desk.ask(0) == desk.ask(0) == (1, TRIAL, False)
    assert desk.ask(1)[1] is None  # done before worker 0 has told the outcome
    desk.deliver("quick")
    assert desk.told().over and desk.delivered() == "quick"
    desk.post(TRAINING)
    assert not desk.told().over
    assert desk.ask(1) == desk.ask(1) == (2, TRAINING, False)


def test_a_new_group_takes_up_what_has_no_outcome_and_nothing_else(desk):
    desk.post(TRIAL)
    assert desk.ask(0)[1] == TRIAL
    desk.deliver("quick")
    assert desk.ask(0)[1] is None
    desk.post(TRAINING)
    assert desk.ask(0) == (2, TRAINING, False)


def test_who_waits_may_go_when_the_desk_closes(desk):
    desk.close()
    assert desk.ask(3) == (0, None, True)


def test_who_waits_may_go_when_the_job_is_given_up(desk):
    desk.post(TRIAL)
    desk.give_up(ValueError("no"))
    assert desk.ask(0) == desk.ask(1) == (1, None, True)


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
