"""Importing costs nothing: each check runs in an interpreter of its own."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "laconic"
HEAVY = ("torch", "transformers", "accelerate", "datasets", "tokenizers", "sentencepiece", "matplotlib")
COSTLY = (*HEAVY, "numpy", "numba", "safetensors", "jaxtyping")


def loaded(code: str, names: tuple[str, ...]) -> set[str]:
    """Which of `names` are loaded after `code` ran."""
    script = f"import sys\n{code}\nprint(*[name for name in {names!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split("\n")[-2].split())


def modules_of(room: str) -> list[str]:
    """The modules of a room, by their dotted names."""
    place = SOURCE / room
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    names = [".".join(("laconic", *file.relative_to(SOURCE).with_suffix("").parts)) for file in files]
    return [name.removesuffix(".__init__") for name in names]


def test_import_laconic_is_free() -> None:
    assert loaded("import laconic, laconic.errors, laconic.shapes; dir(laconic)", COSTLY) == set()


@pytest.mark.parametrize("room", ["text", "codec", "records", "report", "archive", "errors", "shapes"])
def test_rooms_without_deep_learning(room: str) -> None:
    imports = "\n".join(f"import {name}" for name in modules_of(room))
    assert loaded(imports, ("torch", "transformers", "accelerate")) == set()


def test_byte_models_are_found_and_light_ones_read_without_deep_learning() -> None:
    code = "from laconic.bytelm.registry import load_byte_lm\nload_byte_lm('light')\nimport laconic.bytelm.train_ngram"
    assert loaded(code, ("torch", "transformers", "accelerate")) == set()


def test_rooms_of_models_cost_nothing_until_used() -> None:
    rooms = [f"laconic.{room}" for room in ("tokens", "model", "training", "evaluation", "recipes", "cli")]
    assert loaded("\n".join(f"import {room}" for room in rooms), HEAVY) == set()


def test_help_is_light_and_fast() -> None:
    began = time.perf_counter()
    code = "from laconic.cli.main import main\nassert main(['--help']) == 0"
    assert loaded(code, COSTLY) == set()
    assert time.perf_counter() - began < 5.0


@pytest.mark.parametrize("verb", ["quickstart", "compress", "tokenizer", "train", "report"])
def test_help_of_a_verb_is_light(verb: str) -> None:
    assert loaded(f"from laconic.cli.main import main\nassert main([{verb!r}, '--help']) == 0", COSTLY) == set()


def test_public_names_come_from_their_rooms() -> None:
    import laconic

    for name in laconic.__dir__():
        assert getattr(laconic, name) is not None
    with pytest.raises(AttributeError, match="squash"):
        _ = laconic.squash
