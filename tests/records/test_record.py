"""A run is kept as versioned JSON, and only what is a record is read as one."""

import contextlib
import dataclasses
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.errors import CorruptFileError, FormatVersionError, LaconicError, MissingDataError, OutputError
from laconic.records import record as module
from laconic.records.record import SCHEMA, Record


def finished() -> Record:
    running = Record.start(kind="train", name="x", command=["laconic", "train"], seed=3, config={"lr": 1e-3, "shape": (1, 2)})
    return running.finish(results={"bits": np.float32(1.5)}, cost={"flops": 10**20})


def test_a_run_from_start_to_finish() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    running = Record.start(kind="train", name="x", seed=3, config={"a": 1})
    assert running.command == tuple(sys.argv)
    assert before <= datetime.fromisoformat(running.created) <= datetime.now(UTC)
    assert running.results == {} and running.cost == {}
    done = running.finish(results={"bits": 2.0}, cost={"flops": 7})
    assert done.cost["wall_seconds"] >= 0 and done.cost["flops"] == 7 and "joules" in done.cost
    assert (done.created, done.config, done.seed) == (running.created, {"a": 1}, 3)
    assert running.results == {}, "a record never changes"
    assert done.versions["python"] and done.hardware["logical_cores"] and done.schema == SCHEMA


def test_a_record_is_finished_once() -> None:
    with pytest.raises(ValueError, match="not running"):
        finished().finish(results={})


def test_a_record_is_a_copy() -> None:
    config = {"a": [1]}
    record = Record.start(kind="k", name="n", config=config)
    config["a"].append(2)
    assert record.config == {"a": [1]}
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.name = "other"  # type: ignore[misc]


def test_saved_and_loaded_is_the_same(tmp_path: Path) -> None:
    record = finished()
    record.save(tmp_path / "r.json")
    assert Record.load(tmp_path / "r.json") == record
    values = json.loads((tmp_path / "r.json").read_text())
    assert values["schema"] == SCHEMA and values["config"] == {"lr": 1e-3, "shape": [1, 2]}
    assert not any(name.startswith("_") for name in values)


def test_a_command_line_that_is_not_utf_8_is_kept(tmp_path: Path) -> None:
    record = Record.start(kind="k", name="n", command=["x\udcff", "\\", "ü😀"]).finish(results={"\udc80": "\\\udc80"})
    record.save(tmp_path / "r.json")
    assert Record.load(tmp_path / "r.json") == record
    assert "ü😀" in (tmp_path / "r.json").read_text(encoding="utf-8")


def test_numbers_that_json_does_not_know_are_named() -> None:
    record = Record.start(kind="k", name="n", config={"clip": float("inf")}).finish(results={"loss": float("nan")})
    assert record.results == {"loss": None}
    assert record.not_finite == {"config.clip": "inf", "results.loss": "nan"}
    assert "NaN" not in record.to_json()
    assert Record.from_json(record.to_json(), name="r") == record


def test_what_json_cannot_hold_is_refused_at_the_start() -> None:
    with pytest.raises(TypeError, match=r"config\.model"):
        Record.start(kind="k", name="n", config={"model": object()})


def changed(**changes: Any) -> str:
    values = finished().to_dict()
    for name, value in changes.items():
        if value is ...:
            del values[name]
        else:
            values[name] = value
    return json.dumps(values)


@pytest.mark.parametrize("text", [changed(schema=SCHEMA + 1), changed(schema=99, seed=..., more=1)])
def test_a_newer_schema_is_refused_even_with_other_fields(text: str) -> None:
    with pytest.raises(FormatVersionError, match=r"r\.json is a record of schema \d+, .*install a newer"):
        Record.from_json(text, name="r.json")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("[1]", "not a JSON object"),
        ("{}", "'schema' is missing"),
        ('{"schema": NaN}', "NaN"),
        ("[" * 100_000, "recursion"),
        (b"\xff\xfe\x00", "decode"),
        ('{"schema": 5, "other": 1}', "'kind' is missing"),
        (changed(schema=99, results=...), "'results' is missing"),
        (changed(schema=0), "schema 0"),
        (changed(schema=True), "'schema' is a bool"),
        (changed(schema="1"), "'schema' is a str"),
        (changed(kind=...), "'kind' is missing"),
        (changed(kind=None), "'kind' is a NoneType"),
        (changed(command=[1]), "must hold strings"),
        (changed(versions={"python": 3}), "must hold strings"),
        (changed(config=[]), "'config' is a list"),
        (changed(seed=1.5), "'seed' is a float"),
        (changed(seed=True), "'seed' is a bool"),
        (changed(not_finite={"a": "huge"}), "not_finite"),
        (changed(more=1), "'more' is unknown"),
        (changed(_meter=1), "'_meter' is unknown"),
    ],
)
def test_what_is_no_record_is_refused_in_one_sentence(text: str | bytes, reason: str) -> None:
    with pytest.raises(CorruptFileError, match=reason) as caught:
        Record.from_json(text, name="r.json")
    assert str(caught.value).startswith("r.json is not a record of laconic (")


@given(st.binary(max_size=200), st.integers(min_value=0), st.integers(min_value=0))
def test_damaged_files_never_escape_as_another_error(noise: bytes, at: int, length: int) -> None:
    text = _TEXT
    start = at % len(text)
    damaged = text[:start] + noise + text[start + length % 50 :]
    with contextlib.suppress(LaconicError):
        Record.from_json(damaged, name="r")


_TEXT = finished().to_json().encode()


def test_files_that_are_missing_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingDataError, match="No such file"):
        Record.load(tmp_path / "missing.json")
    with pytest.raises(MissingDataError, match="directory"):
        Record.load(tmp_path)
    monkeypatch.setattr(module, "MAX_RECORD_BYTES", 100)
    finished().save(tmp_path / "r.json")
    with pytest.raises(CorruptFileError, match="more than 100 bytes"):
        Record.load(tmp_path / "r.json")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        finished().save(tmp_path / "missing" / "r.json")
