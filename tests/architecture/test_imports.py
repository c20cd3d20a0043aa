"""The direction of imports is a test: rooms import only downwards, every room has its row, and a wrong import is seen."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "laconic"
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the import contracts of the sources in `folder/src`."""
    environment = {"PYTHONPATH": str(folder / "src"), "PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [sys.executable, "-c", LINT], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources and the contracts, to spoil."""
    shutil.copytree(
        SOURCE,
        tmp_path / "src" / "laconic",
        ignore=lambda _, names: [n for n in names if n == "__pycache__" or n.endswith(".safetensors")],
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("codec/planted.py", "import laconic.cli.main"),
        ("text/planted.py", "import laconic.codec.arithmetic"),
        ("records/planted.py", "def late():\n    import torch"),
        ("errors.py", "import laconic.records.files"),
    ],
)
def test_a_planted_wrong_import_is_seen(copy: Path, module: str, line: str) -> None:
    with (copy / "src" / "laconic" / module).open("a", encoding="utf-8") as stream:
        stream.write(f"\n{line}\n")
    result = lint(copy)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "BROKEN" in result.stdout


def test_a_room_without_a_row_is_seen(copy: Path) -> None:
    room = copy / "src" / "laconic" / "utils"
    room.mkdir()
    (room / "__init__.py").write_text('"""A room nobody decided on."""\n')
    result = lint(copy)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "utils" in result.stdout + result.stderr


def test_every_room_has_a_row_and_says_what_it_is() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    rows = {room.strip() for row in contracts[0]["layers"] for room in row.split("|")}
    for folder in sorted(path for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"):
        assert folder.name in rows, f"src/laconic/{folder.name} has no row in the import contract"
        assert (folder / "__init__.py").read_text().startswith('"""'), f"src/laconic/{folder.name} does not say what it is"
