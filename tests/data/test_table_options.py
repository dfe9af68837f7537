import pytest

from latentmap.data.table_options import TableOptions
from latentmap.errors import SettingError


@pytest.mark.parametrize(
    ("name", "separator"), [("tab", "\t"), (r"\t", "\t"), ("space", " "), (";", ";"), (None, None)]
)
def test_separators_have_names(name, separator):
    assert TableOptions(separator=name).separator == separator


@pytest.mark.parametrize("separator", ["", "||", '"', "\n"])
def test_a_separator_is_one_character(separator):
    with pytest.raises(SettingError, match=r"^separator: expected one character, 'tab' or 'space'"):
        TableOptions(separator=separator)


def test_decimal_is_a_point_or_a_comma():
    with pytest.raises(SettingError, match=r"^decimal: expected '\.' or ',', found ';'$"):
        TableOptions(decimal=";")
