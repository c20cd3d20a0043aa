"""Versions and commit are read without importing and without harm."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from laconic.records.versions import read_commit, read_versions


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def module(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "m.py").write_text("1\n")
    git(tmp_path, "add", "m.py")
    git(tmp_path, "commit", "-q", "-m", "x")
    return tmp_path / "m.py"


def test_versions_name_python_and_numpy() -> None:
    versions = read_versions()
    assert versions["python"] == platform.python_version()
    assert {"laconic", "numpy"} <= set(versions)


def test_reading_imports_no_framework() -> None:
    code = "import sys, laconic.records.record as r; r.Record.start(kind='k', name='n'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


def test_the_commit_of_a_checkout(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = git(module.parent, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert read_commit(module) == head
    module.write_text("2\n")
    assert read_commit(module) == f"{head}-dirty"


def test_reading_the_commit_changes_nothing(module: Path) -> None:
    index = module.parent / ".git" / "index"
    os.utime(module, (1, 1))
    before = index.read_bytes()
    read_commit(module)
    assert index.read_bytes() == before


def test_no_commit_for_a_package_inside_somebody_elses_checkout(module: Path) -> None:
    (module.parent / "untracked.py").write_text("")
    assert read_commit(module.parent / "untracked.py") is None


def test_no_commit_without_git_or_checkout(
    module: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_commit(tmp_path_factory.mktemp("plain") / "m.py") is None
    assert read_commit(Path("/nowhere/m.py")) is None
    monkeypatch.setenv("PATH", "")
    assert read_commit(module) is None
