"""The corpus that every machine has."""

import platform
import sys
from pathlib import Path

import pytest

from laconic.errors import MissingDataError, UsageError
from laconic.text.splits import SPLITS
from laconic.text.stdlib import MODULES, find_modules, open_stdlib, split_of_module


def test_the_list_is_sorted_unique_and_known_to_this_python() -> None:
    assert list(MODULES) == sorted(set(MODULES))
    assert set(MODULES) <= sys.stdlib_module_names


def test_splits_are_a_partition_of_some_megabytes() -> None:
    parts = {split: list(open_stdlib(split).documents()) for split in SPLITS}
    sizes = {split: sum(map(len, part)) for split, part in parts.items()}
    assert sum(map(len, parts.values())) == len(find_modules()) == len(list(open_stdlib("all").documents()))
    assert sizes["train"] > 3_000_000 and min(sizes.values()) > 100_000
    assert sizes["train"] > 0.8 * sum(sizes.values())


def test_held_out_modules_never_change_sides() -> None:
    trained_on = set(open_stdlib("train").documents())
    for name in HELD_OUT["valid"] | HELD_OUT["test"]:
        assert find_modules()[name].read_bytes() not in trained_on
    for split, names in HELD_OUT.items():
        assert {split_of_module(name) for name in names} == {split}


HELD_OUT = {
    "valid": {"bz2", "contextlib", "fractions", "multiprocessing.managers", "pathlib", "weakref"},
    "test": {"_pyio", "argparse", "cmd", "email._parseaddr", "ftplib", "operator", "sysconfig", "tokenize"},
}
"""Large modules that nothing shipped has ever been trained on."""


def library(root: Path) -> Path:
    for name in ("abc.py", "json/__init__.py", "json/decoder.py", "json/tests/test_x.py", "json/__pycache__/x.py", "mine.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def test_tests_and_unlisted_modules_are_left_out(tmp_path: Path) -> None:
    assert list(find_modules(library(tmp_path))) == ["abc", "json", "json.decoder"]


def test_a_module_that_became_a_package_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "pathlib").mkdir()
    (tmp_path / "pathlib" / "__init__.py").write_text("")
    (tmp_path / "__future__.py").write_text("")
    (tmp_path / "pathlib" / "_local.py").write_text("")
    assert list(find_modules(tmp_path)) == ["__future__", "pathlib", "pathlib._local"]
    assert split_of_module("pathlib._local") == split_of_module("pathlib")


def test_the_description_names_the_python_version() -> None:
    assert open_stdlib("valid").describe()["python"] == platform.python_version()
    assert open_stdlib().split == "train"


def test_errors_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="without the sources"):
        open_stdlib(root=tmp_path)
    with pytest.raises(UsageError, match="stdlib has no split 'dev'"):
        open_stdlib("dev")
    corpus = open_stdlib("all", root=library(tmp_path))
    (tmp_path / "abc.py").unlink()
    with pytest.raises(MissingDataError, match=r"cannot read .*abc\.py"):
        list(corpus.documents())
