from types import SimpleNamespace

import pytest

from latentmap.distributed import Workers, training_jobs
from latentmap.distributed.training_jobs import OnWorkers

ANY = SimpleNamespace(remade=SimpleNamespace(parts=SimpleNamespace(network="dense")))


class Group:
    """Workers who note what becomes of them."""

    def __init__(self, workers):
        self.became, self.alive = [], True

    def gather(self, advance):
        self.became.append("gathered")

    def outcome_of(self, job, shown=None):
        if isinstance(job, training_jobs.TrialJob):
            return "a trial"
        raise ValueError("it failed")

    def let_go(self, visible):
        self.became.append("let go")

    def give_up(self):
        self.became.append("given up")


@pytest.fixture
def trainer(monkeypatch):
    monkeypatch.setattr(training_jobs, "Group", Group)
    return OnWorkers(SimpleNamespace(count=2))


def tried(trainer):
    told = (ANY, None, 100, None, 1, 0.5)
    assert trainer.pace(lambda steps, note: None, *told) == "a trial"
    return trainer.waiting


def test_those_who_wait_in_vain_are_let_go_at_the_next_trial(trainer):
    first = tried(trainer)
    assert first.became == ["gathered"]
    second = tried(trainer)
    assert first.became == ["gathered", "let go"]
    assert second.became == ["gathered"] and second is not first


@pytest.mark.parametrize("use", ["encode", "judge"])
def test_those_who_wait_in_vain_are_let_go_when_the_cluster_is_wanted(trainer, use, monkeypatch):
    from latentmap.distributed import batch_inference

    monkeypatch.setattr(batch_inference, f"{use}_parts", lambda *told: None)
    workers, waiting = Workers(2), tried(trainer)
    workers._trainer = trainer
    getattr(workers, use)(None, None, output=__file__, **({"worst": 1} if use == "judge" else {}))
    assert waiting.became == ["gathered", "let go"] and trainer.waiting is None


def failed(trainer):
    plan = SimpleNamespace(rows_a_step=lambda count: 10)
    with pytest.raises(ValueError, match="it failed"):
        trainer.train(ANY, range(100), None, 1, plan, 0)
    assert trainer.waiting is None


def test_those_who_fail_are_given_up(trainer):
    waiting = tried(trainer)
    failed(trainer)
    assert waiting.became == ["gathered", "given up"]


def test_who_died_while_waiting_is_asked_for_nothing(trainer):
    waiting = tried(trainer)
    waiting.alive = False
    failed(trainer)  # those who were hired in their place
    assert waiting.became == ["gathered", "let go"]
