import pytest

from latentmap.data.columns import feature_columns
from latentmap.errors import DataError, UnknownNameError


def test_label_is_not_a_feature():
    assert feature_columns("t", ["a", "b", "c"], "b") == [0, 2]
    assert feature_columns("t", ["a", "b", "c"], None) == [0, 1, 2]


def test_table_with_only_a_label_raises():
    with pytest.raises(DataError, match="t: expected at least one column of numbers, found none"):
        feature_columns("t", ["a"], "a")


def test_message_lists_few_columns_of_a_wide_table():
    columns = [f"pixel{i}" for i in range(784)]
    with pytest.raises(UnknownNameError) as caught:
        feature_columns("t", [*columns, "digit"], "digits")
    assert "did you mean 'digit'" in str(caught.value)
    assert len(str(caught.value)) < 300
