"""Values become plain JSON, and nothing is lost in silence."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.records.plain import NOT_FINITE, to_plain

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


@given(JSON)
def test_the_result_is_always_strict_json(value: object) -> None:
    not_finite: dict[str, str] = {}
    plain = to_plain(value, "v", not_finite)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert set(not_finite.values()) <= NOT_FINITE


def test_numpy_paths_and_tuples() -> None:
    value = {"a": np.float32(0.5), "b": np.arange(3), "c": (1, Path("x/y")), "d": np.bool_(True), "e": np.array(7)}
    assert to_plain(value, "v", {}) == {"a": 0.5, "b": [0, 1, 2], "c": [1, "x/y"], "d": True, "e": 7}


def test_what_is_not_finite_is_named() -> None:
    not_finite: dict[str, str] = {}
    plain = to_plain({"loss": float("nan"), "steps": [1.0, float("inf"), np.float64("-inf")]}, "results", not_finite)
    assert plain == {"loss": None, "steps": [1.0, None, None]}
    assert not_finite == {"results.loss": "nan", "results.steps[1]": "inf", "results.steps[2]": "-inf"}


@pytest.mark.parametrize(("value", "name"), [({"a": [b"x"]}, r"v\.a\[0\]"), ({"a": {1: 2}}, r"v\.a"), (object(), "v")])
def test_what_json_cannot_hold_is_refused_by_name(value: object, name: str) -> None:
    with pytest.raises(TypeError, match=name):
        to_plain(value, "v", {})
