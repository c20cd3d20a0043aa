"""The page of commands says what the commands say."""

import runpy
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_of_commands_is_current() -> None:
    written = runpy.run_path(str(DOCS / "write_cli.py"))["render"]()
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == written, "run python docs/write_cli.py"
