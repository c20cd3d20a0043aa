"""Facts that stand in the documentation and in the code agree."""

import tomllib
from pathlib import Path

import pytest

import laconic
from laconic.cli.main import VERBS
from laconic.text.named import NAMED

ROOT = Path(__file__).resolve().parents[2]


def read(page: str) -> str:
    """The text of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["stdlib", *NAMED])
def test_every_named_data_set_is_listed(name: str) -> None:
    assert f"`{name}`" in read("docs/data.md")


@pytest.mark.parametrize("verb", VERBS)
def test_the_readme_names_every_verb(verb: str) -> None:
    assert f"laconic {verb}" in read("README.md")


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    assert laconic.__version__ == project["version"]
    assert f"## {laconic.__version__}" in read("CHANGELOG.md")


def test_every_extra_is_explained() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    page = read("docs/install.md")
    assert all(f"| `{extra}` |" in page for extra in project["optional-dependencies"] if extra != "neural")


def test_every_pin_is_in_its_range() -> None:
    from packaging.requirements import Requirement

    project = tomllib.loads(read("pyproject.toml"))["project"]
    pins = dict(line.lower().split("==") for line in read("constraints.txt").splitlines() if "==" in line)
    wanted = [*project["dependencies"], *(item for extra in project["optional-dependencies"].values() for item in extra)]
    for requirement in map(Requirement, wanted):
        if requirement.name != "laconic":
            assert requirement.specifier.contains(pins[requirement.name.lower()]), requirement


@pytest.mark.parametrize(
    "room", sorted(path.name for path in (ROOT / "src" / "laconic").iterdir() if (path / "__init__.py").is_file())
)
def test_every_room_is_described(room: str) -> None:
    assert f"`{room}`" in read("docs/rooms.md")
