import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from laconic.bytelm.files import ModelFile, read_model_file, take_tensor, write_model_file
from laconic.errors import CorruptFileError, FormatVersionError, LaconicError, OutputError

FILE = ModelFile(
    kind="unigram", config={"a": 1}, description="some text", tensors={"b": np.arange(5, dtype="<u4"), "a": np.ones(3, "u1")}
)


def header_of(path: Path) -> dict:
    blob = path.read_bytes()
    size = int.from_bytes(blob[:8], "little")
    return json.loads(json.loads(blob[8 : 8 + size])["__metadata__"]["laconic"])


def rewrite(path: Path, header: object, tensors: dict[str, np.ndarray] = FILE.tensors) -> None:
    path.write_bytes(safetensors.numpy.save(tensors, metadata={"laconic": json.dumps(header)}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_model_file(FILE, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.fixture(scope="module")
def blob(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    write_model_file(FILE, tmp_path_factory.mktemp("blob") / "model.safetensors")
    return next(tmp_path_factory.getbasetemp().glob("blob*/model.safetensors")).read_bytes()


def test_what_is_written_is_read(path: Path) -> None:
    file = read_model_file(path)
    assert (file.kind, file.config, file.description) == (FILE.kind, FILE.config, FILE.description)
    assert {name: tensor.tolist() for name, tensor in file.tensors.items()} == {"a": [1] * 3, "b": [0, 1, 2, 3, 4]}
    assert file.fingerprint == FILE.fingerprint


def test_equal_content_gives_equal_bytes(path: Path, tmp_path: Path) -> None:
    write_model_file(read_model_file(path), tmp_path / "again.safetensors")
    assert path.read_bytes() == (tmp_path / "again.safetensors").read_bytes()


def test_the_fingerprint_is_golden() -> None:
    assert f"{FILE.fingerprint:016x}" == "474fc7e547c00117"


@pytest.mark.parametrize(
    "other",
    [
        ModelFile(kind="uniform", config=FILE.config, description="", tensors=FILE.tensors),
        ModelFile(kind=FILE.kind, config={"a": 2}, description="", tensors=FILE.tensors),
        ModelFile(kind=FILE.kind, config=FILE.config, description="", tensors={**FILE.tensors, "a": np.zeros(3, "u1")}),
        ModelFile(kind=FILE.kind, config=FILE.config, description="", tensors={**FILE.tensors, "a": np.ones((3, 1), "u1")}),
        ModelFile(kind=FILE.kind, config=FILE.config, description="", tensors={**FILE.tensors, "a": np.ones(3, "i1")}),
        ModelFile(kind=FILE.kind, config=FILE.config, description="", tensors={"c": FILE.tensors["a"], "b": FILE.tensors["b"]}),
    ],
)
def test_the_fingerprint_changes_with_all_that_counts_depend_on(other: ModelFile) -> None:
    assert other.fingerprint != FILE.fingerprint


@given(cut=st.floats(0, 1, exclude_max=True))
def test_every_truncation_is_refused(blob: bytes, tmp_path_factory: pytest.TempPathFactory, cut: float) -> None:
    short = tmp_path_factory.getbasetemp() / "short.safetensors"
    short.write_bytes(blob[: int(cut * len(blob))])
    with pytest.raises(CorruptFileError, match=r"short\.safetensors"):
        read_model_file(short)


@given(place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_every_changed_byte_is_noticed(
    blob: bytes, tmp_path_factory: pytest.TempPathFactory, place: float, change: int
) -> None:
    bad = bytearray(blob)
    bad[int(place * len(bad))] ^= change
    altered = tmp_path_factory.getbasetemp() / "altered.safetensors"
    altered.write_bytes(bad)
    try:
        file = read_model_file(altered)
    except (CorruptFileError, FormatVersionError):
        return
    # A change that JSON does not see, such as one kind of blank for another, changes no content.
    assert file.checksum == FILE.checksum


def test_a_newer_version_is_refused(path: Path) -> None:
    rewrite(path, {**header_of(path), "version": 2})
    with pytest.raises(FormatVersionError, match=r"version 2 .* this laconic reads 1"):
        read_model_file(path)


@pytest.mark.parametrize(
    "change", [{"kind": 3}, {"config": []}, {"description": None}, {"checksum": 5}, {"format": "other"}, {"version": "1"}]
)
def test_a_field_of_another_type_is_refused(path: Path, change: dict) -> None:
    rewrite(path, {**header_of(path), **change})
    with pytest.raises(CorruptFileError):
        read_model_file(path)


@pytest.mark.parametrize("change", [{"description": "other text"}, {"config": {"a": 2}}, {"kind": "uniform"}])
def test_an_altered_header_does_not_have_the_checksum(path: Path, change: dict) -> None:
    rewrite(path, {**header_of(path), **change})
    with pytest.raises(CorruptFileError, match="altered"):
        read_model_file(path)


def test_altered_tensors_do_not_have_the_checksum(path: Path) -> None:
    rewrite(path, header_of(path), {**FILE.tensors, "a": np.zeros(3, "u1")})
    with pytest.raises(CorruptFileError, match="altered"):
        read_model_file(path)


@pytest.mark.parametrize("blob", [b"", b"PK\x03\x04 another kind of file altogether"], ids=["empty", "zip"])
def test_other_files_are_refused(tmp_path: Path, blob: bytes) -> None:
    (tmp_path / "x.safetensors").write_bytes(blob)
    with pytest.raises(CorruptFileError, match="is not a byte model of laconic"):
        read_model_file(tmp_path / "x.safetensors")


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LaconicError, match=r"cannot read the byte model .*nowhere\.safetensors: No such file"):
        read_model_file(tmp_path / "nowhere.safetensors")


def test_an_unwritable_path_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_model_file(FILE, tmp_path / "missing" / "model.safetensors")


def test_a_tensor_must_be_what_the_model_needs() -> None:
    assert take_tensor(FILE, "b", np.dtype("<u4"), (None,)).tolist() == [0, 1, 2, 3, 4]
    for name, dtype, shape in (("c", "<u4", (5,)), ("b", "<i4", (5,)), ("b", "<u4", (4,)), ("b", "<u4", (5, None))):
        with pytest.raises(CorruptFileError, match=f"needs the tensor '{name}'"):
            take_tensor(FILE, name, np.dtype(dtype), shape)
