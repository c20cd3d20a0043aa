import subprocess
import sys
from pathlib import Path

import pytest

from laconic.compiled import digest_of, kernel

LOOPS = """
from laconic.compiled import kernel
from sample import between

@kernel()
def twice_the_factor():
    return 2 * between.FACTOR
"""


def run(folder: Path) -> str:
    """What a fresh process prints."""
    command = [
        sys.executable,
        "-c",
        "from sample.loops import twice_the_factor as f; print(f(), sum(f.stats.cache_hits.values()))",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A package in which a compiled loop takes a constant from a module that takes it from another one."""
    (tmp_path / "sample").mkdir()
    texts = {"__init__": "", "loops": LOOPS, "between": "from sample.constants import FACTOR\n", "constants": "FACTOR = 5\n"}
    for name, text in texts.items():
        (tmp_path / "sample" / f"{name}.py").write_text(text)
    return tmp_path


def test_code_is_kept_until_something_changes_that_it_is_made_of(sample: Path) -> None:
    assert run(sample) == "10 0"
    assert run(sample) == "10 1"
    (sample / "sample" / "constants.py").write_text("FACTOR = 7\n")
    assert run(sample) == "14 0"


def test_what_is_not_imported_does_not_count(sample: Path) -> None:
    run(sample)
    (sample / "sample" / "another.py").write_text("FACTOR = 7\n")
    assert run(sample) == "10 1"


def test_it_compiles_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])

    @kernel()
    def one() -> int:
        return 1

    assert one() == 1


def test_constants_of_other_modules_are_among_the_sources_of_a_kernel() -> None:
    assert digest_of("laconic.bytelm.attention_steps") != digest_of("laconic.bytelm.attention_kernels")


def test_compiling_is_remarked_once_and_only_when_it_takes_long(sample: Path) -> None:
    script = """if True:
        import logging, laconic.compiled
        logging.basicConfig(level=logging.INFO)
        laconic.compiled._PATIENCE = {patience}
        import sample.loops
        for _ in range(3):
            sample.loops.twice_the_factor()
            sample.loops.twice_the_factor.recompile()
    """
    said = [
        subprocess.run([sys.executable, "-c", script.format(patience=seconds)], cwd=sample, capture_output=True, text=True)
        for seconds in (-1.0, 1e9)
    ]
    assert [run.returncode for run in said] == [0, 0]
    assert [run.stderr.count("compiling loops for this machine") for run in said] == [1, 0]
