import datetime
import math

import pyarrow as pa
import pytest

from latentmap.data.cell_formats import VECTORS, matching_cells
from latentmap.data.column_parsing import candidate_formats, fitting_decimal, parse_column

TIME_TYPE = pa.timestamp("us")
DAY = datetime.date(2024, 3, 1)
OCTOBER = datetime.date(2024, 10, 5)
TIME = datetime.time(9, 5)
HOUR, SECOND = datetime.timedelta(hours=1), datetime.timedelta(seconds=1)
FIRST_TIME_UTC = datetime.datetime(2024, 3, 1, 12, 30, tzinfo=datetime.UTC)
MINUTES = datetime.timedelta(hours=9, minutes=5)
FIRST_TIME = datetime.datetime(2024, 3, 1, 12, 30)


def parse(texts, **options):
    return parse_column(pa.array(texts, pa.string()), **options)


@pytest.mark.parametrize(
    ("texts", "type_", "values"),
    [
        (["1", "-2", "+3", " 4 "], pa.int64(), [1, -2, 3, 4]),
        (["1", "2.5", ".5", "1e3", "-7."], pa.float64(), [1, 2.5, 0.5, 1000, -7]),
        (["1,234.5", "12"], pa.float64(), [1234.5, 12]),
        (["1,234", "1,234,567", "-950"], pa.int64(), [1234, 1234567, -950]),
        (["1.234,5", "12,25"], pa.float64(), [1234.5, 12.25]),
        (["1 234,5", "12\u00a0000,0"], pa.float64(), [1234.5, 12000]),
        (["1'234.50", "7"], pa.float64(), [1234.5, 7]),
        (["1.5", "(1,234.50)"], pa.float64(), [1.5, -1234.5]),
        (["1,5", "1.234,50-"], pa.float64(), [1.5, -1234.5]),
        (["1.5", "\u22121.5"], pa.float64(), [1.5, -1.5]),
        (["2", "\u221212"], pa.float64(), [2, -12]),
        (["True", "FALSE"], pa.bool_(), [True, False]),
        (["yes", "no", "No"], pa.bool_(), [True, False, False]),
        (["t", "f"], pa.bool_(), [True, False]),
        (["0", "1"], pa.int64(), [0, 1]),
        (["2024-03-01", "2024-03-01"], pa.date32(), [DAY, DAY]),
        (["2024/3/1"], pa.date32(), [DAY]),
        (["01.03.2024", "1.3.2024"], pa.date32(), [DAY, DAY]),
        (["01.03.24", "01.03.85"], pa.date32(), [DAY, DAY.replace(year=1985)]),
        (["1 March 2024", "1. Mar 2024"], pa.date32(), [DAY, DAY]),
        (["Mar 1, 2024", "March 1st, 2024"], pa.date32(), [DAY, DAY]),
        (["2024-03"], pa.date32(), [DAY]),
        (["2024-03-01 12:30", "2024-03-01T12:30:00"], pa.timestamp("us"), [FIRST_TIME] * 2),
        (["03/01/2024 12:30 PM", "3/1/2024 12:30:00 pm"], pa.timestamp("us"), [FIRST_TIME] * 2),
        (["2024年3月1日"], pa.date32(), [DAY]),
        (["1 mar 2024", "1 mrt 2024", "1 марта 2024"], pa.date32(), [DAY] * 3),
        (["Mar 2024", "March 2024", "Mar-24"], pa.date32(), [DAY] * 3),
        (["09h05", "9:05 Uhr"], pa.time32("s"), [TIME] * 2),
        (["tak", "nie"], pa.bool_(), [True, False]),
        (["Hayır", "Evet"], pa.bool_(), [False, True]),
        (["\u00a01.5\u00a0", "2.5"], pa.float64(), [1.5, 2.5]),
        (["CHF 1’234.50", "CHF 7.25"], pa.float64(), [1234.5, 7.25]),
        (["€110.5M", "€565K", "€0"], pa.float64(), [110.5e6, 565e3, 0]),
        (["3.5M", "2B", "40k"], pa.float64(), [3.5e6, 2e9, 40e3]),
        (["setosa", " virginica"], pa.string(), ["setosa", "virginica"]),
        (["007", "11"], pa.string(), ["007", "11"]),
        (["1_1", "11"], pa.string(), ["1_1", "11"]),
        (["1" * 19, "12"], pa.string(), ["1" * 19, "12"]),
        (["0x1F", "12"], pa.string(), ["0x1F", "12"]),
        (["inf", "1.5"], pa.float64(), [math.inf, 1.5]),
        (["31.02.2024", "01.03.2024"], pa.string(), ["31.02.2024", "01.03.2024"]),
        (["1.2.24", "1.10.3"], pa.string(), ["1.2.24", "1.10.3"]),
        (["", "NA", None], pa.null(), [None, None, None]),
        (["Y", "n"], pa.bool_(), [True, False]),
        (["ja", "Nein"], pa.bool_(), [True, False]),
        (["no", "si"], pa.bool_(), [False, True]),
        (["FAUX", "VRAI"], pa.bool_(), [False, True]),
        (["12,34,567", "5,000"], pa.int64(), [1234567, 5000]),
        (["1.5D+02", "2.D-01"], pa.float64(), [150, 0.2]),
        (["1.5×10^2", "2 × 10^-1", "3"], pa.float64(), [150, 0.2, 3]),
        (["0000-00-00", "2024-03-01"], pa.date32(), [None, DAY]),
        (["1D2", "2D1"], pa.string(), ["1D2", "2D1"]),
        (["+", "-", "NA"], pa.string(), ["+", "-", None]),
        (["3°30' N", "1° 0' 36\" S", "-"], pa.float64(), [3.5, -1.01, None]),
        (["12.5W", "3.25E"], pa.float64(), [-12.5, 3.25]),
        (["10N", "2S"], pa.string(), ["10N", "2S"]),
        (["2024-03-01 12:30:00,000", "2024-03-01 12:30:00.000000999"], TIME_TYPE, [FIRST_TIME] * 2),
        (["Fri Mar  1 12:30:00 2024"], TIME_TYPE, [FIRST_TIME]),
        (["Fri Mar 01 12:30:00 +0000 2024"], pa.timestamp("us", "UTC"), [FIRST_TIME_UTC]),
        (["Fri Mar 1 04:30:00 PST 2024"], pa.timestamp("us", "UTC"), [FIRST_TIME_UTC]),
        (["1st March 2024"], pa.date32(), [DAY]),
        (["PT9H5M", "-PT1S", "P1D"], pa.duration("us"), [MINUTES, -SECOND, HOUR * 24]),
        (["4\u2009436.5", "1.5"], pa.float64(), [4436.5, 1.5]),
        (["3. März 2024", "5 Oktober 2024"], pa.date32(), [DAY.replace(day=3), OCTOBER]),
        (["5 oct. 2024", "1er mars 2024"], pa.string(), ["5 oct. 2024", "1er mars 2024"]),
        (["1-Mar-2024 12:30"], pa.timestamp("us"), [FIRST_TIME]),
        (["2024-03-01", "5.10.2024", "Oct 5, 2024"], pa.date32(), [DAY, OCTOBER, OCTOBER]),
        (["2024-03-01 12:30", "1.3.2024 12:30"], pa.timestamp("us"), [FIRST_TIME] * 2),
        (["Fr 01.03.2024", "Sa., 5. Oktober 2024"], pa.date32(), [DAY, OCTOBER]),
        (["Fri, 01 Mar 2024 12:30:00 +0000"], pa.timestamp("us", "UTC"), [FIRST_TIME_UTC]),
        (["31.02.2024", "2024-03-01"], pa.string(), ["31.02.2024", "2024-03-01"]),
        (["9:05", "23:10:30"], pa.time32("s"), [TIME, datetime.time(23, 10, 30)]),
        (["9:05 am", "12:00 AM"], pa.time32("s"), [TIME, datetime.time(0)]),
        (["9:05:00.5"], pa.time64("us"), [TIME.replace(microsecond=500_000)]),
        (["9:05", "30:00:01"], pa.duration("us"), [MINUTES, HOUR * 30 + SECOND]),
        (["1 days 09:05:00", "-1 days +23:00:00"], pa.duration("us"), [HOUR * 24 + MINUTES, -HOUR]),
        (["9h 5m", "1 h", "-1s"], pa.duration("us"), [MINUTES, HOUR, -SECOND]),
        (["[1, 2.5]", "[3. 4e1]"], pa.list_(pa.float64()), [[1, 2.5], [3, 40]]),
        (["[1, a]"], pa.string(), ["[1, a]"]),
    ],
)
def test_types_and_values(texts, type_, values):
    parsed = parse(texts)
    assert parsed.values.type == type_
    assert parsed.values.to_pylist() == values


def test_times_with_a_zone_are_converted_to_utc():
    times = ["2024-03-01T12:30:15Z", "2024-03-01 13:30:15+01:00", "2024-03-01 14:30:15 CEST"]
    values = parse([*times, "2024-03-01 04:30:15 PST"]).values
    assert values.type == pa.timestamp("us", "UTC")
    assert len(values.unique()) == 1


@pytest.mark.parametrize(
    ("texts", "unit", "values"),
    [
        (["5%", "12.5 %"], "%", [5, 12.5]),
        (["12,50 €", "1.000,00 €"], "€", [12.5, 1000]),
        (["$12.50", "-$3.00", "$-3.00"], "$", [12.5, -3, -3]),
        (["USD 5", "USD 1,000"], "USD", [5, 1000]),
    ],
)
def test_units(texts, unit, values):
    parsed = parse([*texts, "-"])
    assert parsed.unit == unit
    assert parsed.values.to_pylist() == [*values, None]


def test_a_unit_in_some_cells_only_makes_text():
    assert parse(["5%", "5", "7", "8"]).values.type == pa.string()


@pytest.mark.parametrize(
    "text",
    ["", "  ", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "-", "?", ".", r"\N"],
)
def test_texts_that_mark_missing_values(text):
    assert parse(["1.5", text]).values.to_pylist() == [1.5, None]
    assert parse(["x", text]).values.to_pylist() == ["x", None]


def test_further_missing_texts_are_an_option():
    parsed = parse(["1", "-999", "unknown", "NA"], missing=("-999", "unknown"))
    assert parsed.values.to_pylist() == [1, None, None, None]


@pytest.mark.parametrize(
    ("texts", "decimal", "values"),
    [
        (["1,234"], None, [1234]),
        (["1,234"], ",", [1.234]),
        (["1.234"], None, [1.234]),
        (["1.234"], ",", [1234]),
        (["1,234", "1,5"], None, [1.234, 1.5]),
        (["0.5"], ",.", [0.5]),
    ],
)
def test_the_decimal_separator_decides_about_ambiguous_numbers(texts, decimal, values):
    assert parse(texts, decimal=decimal).values.to_pylist() == values


@pytest.mark.parametrize(
    ("texts", "decimal", "expected"),
    [
        (["03/01/2024", "03/25/2024"], None, DAY),
        (["01/03/2024", "25/03/2024"], None, DAY),
        (["03/01/2024", "03/02/2024"], None, DAY),
        (["01/03/2024", "02/03/2024"], ",.", DAY),
        (["01-03-2024", "02-03-2024"], None, DAY),
    ],
)
def test_order_of_day_and_month(texts, decimal, expected):
    assert parse(texts, decimal=decimal).values[0].as_py() == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["yes", "no"], ("no", "yes")),
        (["TRUE", "FALSE"], ("FALSE", "TRUE")),
        (["False"], ("False", "True")),
    ],
)
def test_texts_of_booleans(texts, expected):
    assert parse(texts).boolean_strings == expected


def test_few_texts_among_numbers_are_reported_and_not_dropped():
    texts = [str(i / 2) for i in range(200)]
    texts[150] = texts[160] = "broken"
    parsed = parse(texts)
    assert parsed.values.to_pylist() == texts
    assert (parsed.invalid.row, parsed.invalid.examples, parsed.invalid.count) == (
        150,
        ("broken",),
        2,
    )
    assert parsed.invalid.describe("age", 152) == (
        "line 152, column age: expected a number, found 'broken' (and 1 more cell); "
        "treat it as missing with --missing broken, or the column as categories with "
        "--as age=category"
    )
    assert parse(texts, missing=("broken",)).values.type == pa.float64()


@pytest.mark.parametrize(("text", "is_reported"), [("Less than 1 year", True), ("3 to 5", False)])
def test_phrases_with_digits_among_numbers_are_reported(text, is_reported):
    invalid = parse([*map(str, range(20)), text, text]).invalid
    assert (invalid.examples if invalid else ()) == (text,) * is_reported


def test_many_texts_among_numbers_are_not_reported():
    texts = [str(i) for i in range(200)]
    texts[::20] = [*"abcdefghij"]
    assert parse(texts).invalid is None


def test_codes_among_numbers_are_not_reported():
    parsed = parse(["007", *map(str, range(100))])
    assert parsed.values.type == pa.string()
    assert parsed.invalid is None


def test_roles():
    assert parse(["1", "2"], role="category").values.to_pylist() == ["1", "2"]
    assert parse(["1", "2"], role="label").values.to_pylist() == [1, 2]
    parsed = parse(["1", "x", "y", "2"], role="number")
    assert parsed.invalid.examples == ("x", "y")
    assert parsed.invalid.row == 1
    assert parse(["1", "2"], role="number").values.to_pylist() == [1, 2]
    assert parse(["red"], role="date").invalid.kind == "date"


def test_chunks_are_one_column():
    values = pa.chunked_array([["1", "2"], ["3.5"]])
    assert parse_column(values).values.to_pylist() == [1, 2, 3.5]


@pytest.mark.parametrize(
    ("texts", "day_first", "day", "orders"),
    [
        (["03/04/2024"], None, "2024-03-04", ("month first", "day first")),
        (["03/04/2024"], True, "2024-04-03", ("day first", "month first")),
        (["03.04.2024"], None, "2024-04-03", ("day first", "month first")),
        (["03-04-2024"], False, "2024-03-04", ("month first", "day first")),
        (["03/04/2024", "25/04/2024"], False, "2024-04-03", ("day first",)),
        (["2024-03-04"], True, "2024-03-04", ()),
    ],
)
def test_the_order_of_day_and_month_is_an_option(texts, day_first, day, orders):
    for role in (None, "date"):
        parsed = parse(texts, day_first=day_first, role=role)
        assert parsed.values[0].as_py().isoformat() == day
        assert parsed.date_orders == orders


@pytest.mark.parametrize(
    ("texts", "unit", "values"),
    [
        (["3.5 kg", "1,200 kg"], "kg", [3.5, 1200]),
        (["5cm", "7cm"], "cm", [5, 7]),
        (["-3 °C", "6.4 °C"], "°C", [-3, 6.4]),
        (["12 km/h"], "km/h", [12]),
        (["$2.50", "($1.50)", "-$3"], "$", [2.5, -1.5, -3]),
        (["1e5", "2e5"], None, [1e5, 2e5]),
        (["3 kg", "4 g"], None, ["3 kg", "4 g"]),
    ],
)
def test_a_unit_in_all_cells_is_that_of_the_column(texts, unit, values):
    parsed = parse(texts)
    assert (parsed.unit, parsed.values.to_pylist()) == (unit, values)


def test_a_few_strings_among_half_as_many_numbers_are_reported():
    numbers = [f"{number}.5" for number in range(12)]
    assert parse([*numbers, "not asked", "refused"]).invalid.examples == ("not asked", "refused")
    assert parse([*numbers, "<5"]).invalid is None
    assert parse([*"123123123123", "not asked"]).invalid is None


PLAIN = [str(number) for number in range(10, 22)]


@pytest.mark.parametrize(
    ("marked", "type_", "values"),
    [
        (["<0.5", ">= 100.25"], pa.float64(), [0.5, 100.25]),
        (["12*", "1,234 [1]", "5†"], pa.int64(), [12, 1234, 5]),
        (["3.5 p", "7 b"], pa.float64(), [3.5, 7.0]),
        (["none", "Unknown", "~8"], pa.int64(), [None, None, 8]),
    ],
)
def test_marks_beside_numbers_are_left_out_with_a_note(marked, type_, values):
    column = parse(PLAIN + marked)
    assert column.values.type == type_
    assert column.values.to_pylist() == [*map(int, PLAIN), *values]
    assert "marks" in column.note


@pytest.mark.parametrize("texts", [["3", "5", "none", "<2"] * 5, ["1 a", "2 b", "3 c"] * 5])
def test_few_numbers_with_marks_are_categories(texts):
    assert parse(texts).values.type == pa.string()


def test_labels_keep_their_marks():
    assert parse([*PLAIN, "<5"], role="label").values.to_pylist() == [*PLAIN, "<5"]


def test_apostrophes_do_not_make_the_comma_decimal():
    assert fitting_decimal(pa.array(["1’234", "12"])) is None


def test_python_and_arrow_find_the_same_cells():
    cells = ["1,5 €", "1 234,5", "3. МАРТА 2020", "Mo, 1. März 2020", "2020年1月2日", "ДА", "none"]
    cells += ["1\u00a0234", "١٢", "Ärz 1", "0800", "1.2k", "12:30 pm", "1 d 2 h", "[1, 2]", "<0.5*"]
    for cell_format in candidate_formats(".,", None) + candidate_formats(",.", "€", True):
        is_match = cell_format.match(pa.array(cells))
        assert (
            matching_cells(cells, cell_format.pattern)
            == pa.array(cells).filter(is_match).to_pylist()
        )


def test_a_long_cell_takes_little_time():
    assert matching_cells([" " * 1_000_000], VECTORS.pattern) == []
