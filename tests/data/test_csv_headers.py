import pytest

from latentmap.data.csv_headers import cell_kind, find_units, is_header, unique_names


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("", "missing"),
        ("n/a", "missing"),
        ("12", "number"),
        ("-1.5e-3", "number"),
        ("1.234,5 €", "number"),
        ("12 EUR", "number"),
        ("2024-03-01", "date"),
        ("1.3.2024 12:30", "date"),
        ("yes", "boolean"),
        ("1;2", "text"),
        ("12 apples", "text"),
    ],
)
def test_kinds_of_cells(cell, kind):
    assert cell_kind(cell) == kind


INTEGERS = [["4", "9", "2"], ["7", "1", "8"], ["3", "5", "1"], ["6", "2", "9"], ["5", "9", "4"]]
FRACTIONS = [[f"{cell}.5" for cell in row] for row in INTEGERS]
SORTED = [["1", "2", "3"], ["4", "5", "6"], ["7", "8", "9"], ["2", "3", "4"], ["5", "6", "7"]]
WORDS = [["red", "cat", "big"], ["blue", "dog", "small"], ["red", "dog", "big"]]


@pytest.mark.parametrize(
    ("first", "rows", "expected"),
    [
        (["a", "b", "c"], INTEGERS, True),
        (["4", "9", "2"], INTEGERS, False),
        (["0", "1", "2"], INTEGERS, True),
        (["0", "1", "2"], SORTED, False),
        (["400", "410", "420"], FRACTIONS, True),
        (["4000", "3990", "3980"], FRACTIONS, True),
        (["400", "420", "410"], FRACTIONS, False),
        (["4", "9", "2"], FRACTIONS, False),
        (["id", "2019", "2020"], INTEGERS, True),
        (["n/a", "3", "1"], INTEGERS, False),
        (["colour", "animal", "size"], WORDS, True),
        (["blue", "cat", "big"], WORDS, False),
        (["a", "b", "c"], [], True),
        (["1", "2", "3"], [], False),
    ],
)
def test_headers(first, rows, expected):
    assert is_header(first, rows) is expected


def test_two_whole_numbers_above_fractions_are_a_header_if_they_count_columns():
    rows = [row[:2] for row in FRACTIONS]
    assert is_header(["0", "1"], rows)
    assert not is_header(["0", "7"], rows)


def test_units_are_short_texts_above_numbers():
    assert find_units(["(cm)", "kg", ""], FRACTIONS) == ["cm", "kg", None]
    assert find_units(["cm", "1", "2"], FRACTIONS) == []
    assert find_units(["cm"], [row[:1] for row in FRACTIONS]) == []
    assert find_units(["red", "cat", "big"], WORDS) == []


def test_names_are_unique():
    assert unique_names(["a", "a (2)", "a", ""]) == ("a", "a (2)", "a (3)", "column 4")
