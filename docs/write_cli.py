"""Writes docs/cli.md: what `--help` says, verb by verb. A test compares the page with the commands, so it cannot rot.

Example: python docs/write_cli.py
"""

import contextlib
import io
import os
from pathlib import Path

from laconic.cli.main import VERBS, main

PAGE = Path(__file__).with_name("cli.md")
TOKENIZER_VERBS = ("build", "encode", "decode", "show", "compare")
INTRODUCTION = """# Commands

Every verb has `--help` with a worked example and `--json` for machines. Results go to standard output; progress, remarks
and errors to standard error. The exit code is 0 when all was done, 1 when something failed, and 2 when the command was
misused; an error is one sentence that says what was seen, which rule it breaks and what to do. `LACONIC_DEBUG=1` adds the
Python traceback.

Named data sets are looked up in the folder that `LACONIC_DATA` or `--data-root` names: see [Data](data.md).

This page is written by `docs/write_cli.py`.
"""


def help_of(*words: str) -> str:
    """What `laconic WORDS --help` prints, 80 columns wide."""
    os.environ["COLUMNS"] = "80"
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        main([*words, "--help"])
    return "\n".join(line.rstrip() for line in said.getvalue().strip().splitlines())


def render() -> str:
    """The whole page."""
    commands: list[tuple[str, ...]] = [()]
    for verb in VERBS:
        commands.append((verb,))
        if verb == "tokenizer":
            commands += [(verb, below) for below in TOKENIZER_VERBS]
    parts = [INTRODUCTION]
    for words in commands:
        name = " ".join(("laconic", *words))
        level = "###" if len(words) == 2 else "##"
        parts.append(f"{level} {name}\n\n```text\n{help_of(*words)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
