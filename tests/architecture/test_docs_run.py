"""The code blocks of README and docs run, page by page, each page in an empty folder of its own.

`python` blocks are executed, those with `>>>` as doctests; of `console` blocks the lines after `$ ` are run by bash and
the output is compared, where `...` stands for anything. A comment in the line before a block changes that:
`<!-- run: no -->` leaves it out, `<!-- run: loose -->` compares the output without its numbers, and
`<!-- run: slow -->`, alone or with `loose`, leaves the block and the rest of the page to the slow tests.

LACONIC_REWRITE_DOCS=1 writes what the commands say into the pages instead of comparing it.
"""

import doctest
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"(?:^<!-- run: (?P<how>[a-z ]+) -->\n)?^```(?P<language>python|console|bash)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
SECONDS = 1800
REWRITE = os.environ.get("LACONIC_REWRITE_DOCS") == "1"


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block of a page.

    Attributes:
        language: `python`, `console` or `bash`.
        body: what stands between the fences.
        how: the words of the comment before it.
        line: where it begins on its page.
    """

    language: str
    body: str
    how: frozenset[str]
    line: int


def blocks(page: str) -> list[Block]:
    """The blocks of a page that are to run, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        how = frozenset((match["how"] or "").split())
        if how - {"no", "loose", "slow"}:
            raise ValueError(f"{page}: the comment says run: {match['how']}, but there are only no, loose and slow")
        line = text.count("\n", 0, match.start("language")) + 1
        found.append(Block(language=match["language"], body=match["body"], how=how, line=line))
    return [block for block in found if "no" not in block.how]


def run_shell(script: str, folder: Path) -> str:
    """What a bash script prints on standard output; progress on standard error depends on the machine's mood."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "80"}
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert result.returncode == 0, f"$ {script}\n{result.stdout}{result.stderr}"
    return result.stdout


def same(shown: str, said: str, loose: bool) -> bool:
    """Whether a program said what the page shows."""
    if loose:
        shown, said = (re.sub(r"\d[\d,.]*", "#", text) for text in (shown, said))
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(shown.strip() + "\n", said.strip() + "\n", flags)


def rewrite(page: str, part: str, said: str) -> None:
    """Put what a command said behind it on its page."""
    command = part[: part.index("\n", part.rindex("\\\n") + 2 if "\\\n" in part else 0) + 1]
    lines = "".join(f"{line.rstrip()}\n" for line in said.strip("\n").splitlines())
    gap = part[len(part.rstrip("\n")) + 1 :]
    text = (ROOT / page).read_text(encoding="utf-8")
    (ROOT / page).write_text(text.replace(part, command + lines + gap, 1), encoding="utf-8")


def run_console(block: Block, folder: Path, place: str, page: str | None = None) -> None:
    """Run the commands of a block one by one and compare what each one says."""
    for part in re.split(r"^\$ ", block.body, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        while command.endswith("\\"):
            more, _, shown = shown.partition("\n")
            command = f"{command}\n{more}"
        said = run_shell(command, folder)
        if REWRITE and page is not None:
            rewrite(page, f"$ {command}\n{shown}", said)
            continue
        assert same(shown, said, "loose" in block.how), f"{place}: $ {command}\nshown:\n{shown}\nsaid:\n{said}"


def run_python(block: Block, names: dict[str, Any], place: str) -> None:
    """Run a block of Python, as a doctest where it shows prompts."""
    if not block.body.lstrip().startswith(">>>"):
        exec(compile(block.body, place, "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(block.body, names, place, place, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    output: list[str] = []
    runner.run(test, out=output.append, clear_globs=False)
    names.update(test.globs)
    assert runner.summarize(verbose=False).failed == 0, "".join(output)


def run_page(page: str, folder: Path, slow: bool) -> None:
    """Run the blocks of a page up to the first slow one, or all of them."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        place = f"{page}:{block.line}"
        if "slow" in block.how and not slow:
            return
        if block.language == "python":
            run_python(block, names, place)
        elif block.language == "console":
            run_console(block, folder, place, page)
        else:
            run_shell(block.body, folder)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_the_blocks_of_a_page_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(page, tmp_path, slow=False)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if any("slow" in block.how for block in blocks(page))])
def test_the_long_blocks_of_a_page_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(page, tmp_path, slow=True)


def test_wrong_output_is_seen() -> None:
    assert same("3 files in 0.2 s\n", "3 files in 0.7 s", loose=True)
    assert not same("3 files in 0.2 s\n", "3 files in 0.7 s", loose=False)
    assert same("3 files ...\n", "3 files in 0.7 s", loose=False)
    assert not same("3 files in 0.2 s\n", "no files", loose=True)


@pytest.mark.parametrize(
    ("language", "body"),
    [("python", ">>> 1 + 1\n3\n"), ("python", "assert False\n"), ("console", "$ echo yes\nno\n"), ("console", "$ false\n")],
)
def test_a_block_that_lies_is_seen(language: str, body: str, tmp_path: Path) -> None:
    block = Block(language=language, body=body, how=frozenset(), line=1)
    with pytest.raises(AssertionError):
        if language == "python":
            run_python(block, {}, "here")
        else:
            run_console(block, tmp_path, "here")
