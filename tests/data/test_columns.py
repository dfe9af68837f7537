import pytest

from latentmap.data.columns import feature_columns
from latentmap.errors import DataError, UnknownNameError


def test_the_label_is_no_feature():
    assert feature_columns("t", ["a", "b", "c"], "b") == [0, 2]
    assert feature_columns("t", ["a", "b", "c"], None) == [0, 1, 2]


def test_a_label_alone_is_nothing_to_learn():
    with pytest.raises(DataError, match="t: expected at least one column of numbers, found none"):
        feature_columns("t", ["a"], "a")


def test_a_wide_table_is_not_listed_whole():
    columns = [f"pixel{i}" for i in range(784)]
    with pytest.raises(UnknownNameError) as caught:
        feature_columns("t", [*columns, "digit"], "digits")
    assert "did you mean 'digit'" in str(caught.value)
    assert len(str(caught.value)) < 300
