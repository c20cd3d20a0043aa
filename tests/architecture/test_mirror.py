"""Tests mirror the source, files stay small, and no source knows the machine it was written on."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "laconic"
LONGEST = 600
MEDIAN = 150

WITHOUT_OWN_TEST = {
    "__main__.py": "started as a process by tests/cli/test_main.py",
    "shapes.py": "three constants and a legend",
}


def sources() -> list[Path]:
    """The modules of the package, without the packages' own files."""
    return sorted(path for path in SOURCE.rglob("*.py") if path.name != "__init__.py")


def tracked() -> list[Path]:
    """The files under version control, or all that would be."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return [path for name in listing.stdout.splitlines() if (path := ROOT / name).is_file()]


@pytest.mark.parametrize("module", [str(path.relative_to(SOURCE)) for path in sources()])
def test_every_module_has_its_test(module: str) -> None:
    if module in WITHOUT_OWN_TEST:
        return
    path = Path(module)
    expected = ROOT / "tests" / path.parent / f"test_{path.name}"
    assert expected.is_file(), f"src/laconic/{module} needs {expected.relative_to(ROOT)}"


def test_files_stay_small() -> None:
    lengths = {
        path: len(path.read_text().splitlines()) for folder in ("src", "tests") for path in (ROOT / folder).rglob("*.py")
    }
    too_long = {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > LONGEST}
    assert not too_long, f"longer than {LONGEST} lines: {too_long}"
    ours = sorted(lengths[path] for path in sources())
    assert ours[len(ours) // 2] < MEDIAN


def test_no_source_knows_the_machine_it_was_written_on() -> None:
    local = re.compile(r"/(?:work|root|home)/[a-z]|\bpip\.conf\b|extra-index-url")
    kinds = {".py", ".md", ".toml", ".yml", ".txt", ".json", ".html", ""}
    found = []
    for path in tracked():
        if path.suffix in kinds and path != Path(__file__).resolve():
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in local.finditer(text)]
    assert not found


def test_docstrings_and_comments_promise_nothing() -> None:
    unfinished = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
    found = [str(path.relative_to(ROOT)) for path in sources() if unfinished.search(path.read_text())]
    assert not found
