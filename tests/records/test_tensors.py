"""Tensors in files: what is written is read, equal content gives equal bytes, and a claim is checked before it is believed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from laconic.errors import CorruptFileError, FormatVersionError, LaconicError, OutputError
from laconic.records.tensors import TensorFormat, checksum_of, read_tensors, write_tensors

FORM = TensorFormat(
    name="laconic-thing",
    version=3,
    fields={"size": int, "notes": dict},
    noun="thing",
    advice="make it again",
    most_bytes=1 << 20,
)
HEADER = {"format": "laconic-thing", "version": 3, "size": 5, "notes": {"b": "é", "a": [1.5, None]}}
TENSORS = {"b": np.arange(5, dtype="<u4"), "a": np.ones((3, 2), "u1")}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_tensors(HEADER, TENSORS, tmp_path / "thing.safetensors")
    return tmp_path / "thing.safetensors"


def test_what_is_written_is_read(path: Path) -> None:
    header, tensors = read_tensors(path, FORM)
    assert header == HEADER
    assert {name: (tensor.dtype.str, tensor.tolist()) for name, tensor in tensors.items()} == {
        "a": ("|u1", [[1, 1]] * 3),
        "b": ("<u4", [0, 1, 2, 3, 4]),
    }


def test_equal_content_gives_equal_bytes(path: Path, tmp_path: Path) -> None:
    turned = {name: np.asfortranarray(tensor) for name, tensor in reversed(TENSORS.items())}
    write_tensors(dict(reversed(HEADER.items())), turned, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_entries_that_the_format_does_not_know_are_left_out(path: Path) -> None:
    write_tensors({**HEADER, "more": 1}, TENSORS, path)
    assert read_tensors(path, FORM)[0] == HEADER


@pytest.mark.parametrize("change", [{"format": "laconic-other"}, {"version": "3"}, {"version": True}, {"version": None}])
def test_other_formats_are_refused(path: Path, change: dict[str, Any]) -> None:
    write_tensors({**HEADER, **change}, TENSORS, path)
    with pytest.raises(CorruptFileError, match=r"thing\.safetensors is not a thing of laconic, or is cut short: make it again"):
        read_tensors(path, FORM)


@pytest.mark.parametrize("version", [2, 4])
def test_other_versions_are_refused_before_their_entries_are_looked_at(path: Path, version: int) -> None:
    write_tensors({"format": "laconic-thing", "version": version}, TENSORS, path)
    with pytest.raises(
        FormatVersionError, match=f"has version {version} of the thing format, this laconic reads 3: upgrade it"
    ):
        read_tensors(path, FORM)


@pytest.mark.parametrize("change", [{"size": "5"}, {"size": True}, {"size": 5.0}, {"notes": []}, {"notes": None}])
def test_an_entry_of_another_type_is_refused(path: Path, change: dict[str, Any]) -> None:
    write_tensors({**HEADER, **change}, TENSORS, path)
    with pytest.raises(CorruptFileError, match="lacks part of its header: make it again"):
        read_tensors(path, FORM)


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\xff" * 8,
        b"\xff" * 7 + b"\x7f" + b"{}",
        (2).to_bytes(8, "little") + b"{}",
        (9).to_bytes(8, "little") + b"{}",
        (4).to_bytes(8, "little") + b"null",
        (1 << 19).to_bytes(8, "little") + b"[" * (1 << 19),
        ((1 << 20) + 1).to_bytes(8, "little") + b" " * ((1 << 20) + 1),
        b"PK\x03\x04 another kind of file altogether",
    ],
    ids=[
        "empty",
        "huge header",
        "negative",
        "no metadata",
        "longer than the file",
        "null",
        "deep",
        "more header than any",
        "zip",
    ],
)
def test_other_files_are_refused(path: Path, blob: bytes) -> None:
    path.write_bytes(blob)
    with pytest.raises(CorruptFileError, match="is not a thing of laconic"):
        read_tensors(path, replace(FORM, most_bytes=1 << 22))


@given(cut=st.floats(0, 1, exclude_max=True))
def test_every_truncation_is_refused(tmp_path_factory: pytest.TempPathFactory, cut: float) -> None:
    short = tmp_path_factory.getbasetemp() / "short.safetensors"
    write_tensors(HEADER, TENSORS, short)
    blob = short.read_bytes()
    short.write_bytes(blob[: int(cut * len(blob))])
    with pytest.raises(CorruptFileError, match="cut short"):
        read_tensors(short, FORM)


def test_sizes_in_the_header_are_not_trusted(path: Path) -> None:
    blob = path.read_bytes()
    size = int.from_bytes(blob[:8], "little")
    claims = json.loads(blob[8 : 8 + size])
    claims["b"]["shape"] = [1 << 40]
    text = json.dumps(claims).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + blob[8 + size :])
    with pytest.raises(CorruptFileError, match="its tensors do not fit its header: make it again"):
        read_tensors(path, FORM)


def test_a_large_file_is_refused_unread(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with path.open("r+b") as stream:
        stream.truncate((1 << 20) + 1)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("was read"))
    with pytest.raises(CorruptFileError, match=r"is larger than any thing \(1 MiB\): make it again"):
        read_tensors(path, FORM)


def test_paths_that_cannot_be_used_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LaconicError, match=r"cannot read the thing .*nowhere: No such file or directory; check the path"):
        read_tensors(tmp_path / "nowhere", FORM)
    with pytest.raises(OutputError, match="cannot write"):
        write_tensors(HEADER, TENSORS, tmp_path / "missing" / "thing")


def test_the_checksum_is_golden_and_knows_no_order() -> None:
    assert checksum_of(HEADER, {}) == "63a0846ac21532b8"
    assert checksum_of(HEADER, TENSORS) == "b01e2f3c58b7223a"
    assert checksum_of(dict(reversed(HEADER.items())), dict(reversed(TENSORS.items()))) == "b01e2f3c58b7223a"


@pytest.mark.parametrize(
    "other",
    [
        {**TENSORS, "b": np.arange(1, 6, dtype="<u4")},
        {**TENSORS, "b": np.arange(5, dtype="<i4")},
        {**TENSORS, "a": np.ones((2, 3), "u1")},
        {"c": TENSORS["a"], "b": TENSORS["b"]},
        {"b": TENSORS["b"]},
    ],
    ids=["content", "type", "shape", "name", "missing"],
)
def test_the_checksum_changes_with_all_there_is(other: dict[str, np.ndarray]) -> None:
    assert checksum_of(HEADER, other) != checksum_of(HEADER, TENSORS)
    assert checksum_of({**HEADER, "size": 6}, TENSORS) != checksum_of(HEADER, TENSORS)


def test_it_is_an_ordinary_safetensors_file(path: Path) -> None:
    assert safetensors.numpy.load_file(path)["b"].tolist() == [0, 1, 2, 3, 4]
