import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.report.wording import DASH, count, duration, fixed, moment, number, percent, plain, short, tick, yes_no

ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=2)
)


@given(ANYTHING)
def test_any_value_has_words(value: object) -> None:
    for form in (count, fixed, short, tick, duration, yes_no, plain, percent, moment):
        assert isinstance(form(value), str)
        assert form(value)


@pytest.mark.parametrize("value", [None, True, "3", math.nan, math.inf, 10**400, [1]])
def test_what_is_no_finite_number_is_none(value: object) -> None:
    assert number(value) is None
    assert short(value) == DASH


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (1, "1.00"),
        (25, "25.0"),
        (210, "210"),
        (999.9, "1.00 k"),
        (6912345, "6.91 M"),
        (32000000000000.0, "32.0 T"),
        (0.042, "0.0420"),
        (1.3e-08, "1.30e-08"),
        (-2500, "-2.50 k"),
        (1e30, "1.00e+06 Y"),
    ],
)
def test_short_has_three_digits(value: float, words: str) -> None:
    assert short(value) == words


@pytest.mark.parametrize(("value", "words"), [(2e6, "2 M"), (0.5, "0.5"), (200, "200"), (1.3e-8, "1.30e-08"), (0, "0")])
def test_tick_says_no_digit_too_many(value: float, words: str) -> None:
    assert tick(value) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.5, "50 %"),
        (0.1254, "12.5 %"),
        (0.07, "7 %"),
        (0.9999, "100 %"),
        (1, "100 %"),
        (0, "0 %"),
        (3e-5, "0.003 %"),
        (9e-6, "under 0.001 %"),
        (1e-9, "under 0.001 %"),
        (1e308, DASH),
        (None, DASH),
        (True, DASH),
    ],
)
def test_percent(share: object, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(8.21, "8.21 s"), (59.96, "1 min 00 s"), (423, "7 min 03 s"), (7500, "2 h 05 min"), (-1, DASH), (None, DASH)],
)
def test_duration(seconds: object, words: str) -> None:
    assert duration(seconds) == words


def test_moment() -> None:
    assert moment("2025-03-01T12:00:59+00:00") == "2025-03-01 12:00"
    assert moment("yesterday") == "yesterday"


def test_other_forms() -> None:
    assert count(2020490) == "2,020,490"
    assert fixed(2.0304, 3) == "2.030"
    assert (yes_no(True), yes_no(False), yes_no("yes")) == ("yes", "no", DASH)
    assert (plain(1234), plain(0.25), plain("x"), plain(None), plain(math.nan)) == ("1,234", "0.25", "x", DASH, "not a number")
