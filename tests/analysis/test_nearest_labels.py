from __future__ import annotations

import numpy as np

from latentmap.analysis.nearest_labels import Voters, elected


def test_most_of_the_nearest_decide_and_the_nearest_where_tied():
    points = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32)
    voters = Voters(points, np.array([1, 1, 0, 0]), 4)
    labels, sure = voters.vote(np.array([[-1.0], [4.0]], np.float32))
    assert labels.tolist() == [1, 0]
    assert sure.tolist() == [0.5, 0.5]
    labels, sure = Voters(points, np.array([1, 0, 1, 0]), 3).vote(np.array([[0.9]], np.float32))
    assert labels.tolist() == [1]
    assert np.isclose(sure[0], 2 / 3)


def test_many_codes_go_through_in_blocks():
    points = np.array([[0.0], [9000.0]], np.float32)
    labels, _ = Voters(points, np.array([0, 1]), 1).vote(np.arange(9000.0)[:, None])
    assert (labels == (np.arange(9000) > 4500)).all()


def test_groups_are_numbered_by_size():
    some = np.array([[0.0], [0.1], [5.0], [5.1], [5.2]])
    voters, labels, sure = elected(some, np.array([7, 7, 3, 3, 3]), some, False)
    assert labels.tolist() == [1, 1, 0, 0, 0]
    assert (voters.labels == labels).all()
    assert sure.shape == (5,)


def test_no_group_is_outvoted_everywhere():
    some = np.linspace(0, 1, 21)[:, None]
    groups = np.where(np.arange(21) == 10, 1, 0)  # alone among others
    voters, labels, _ = elected(some, groups, some, False)
    assert voters.count == 1
    assert labels.sum() == 1
