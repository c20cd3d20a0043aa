"""The command `laconic`: it gathers the verbs, and turns every failure into one sentence and an exit code."""

import errno
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

import laconic
from laconic.cli.console import err, show_remarks
from laconic.errors import LaconicError

VERBS = ("quickstart", "compress", "decompress", "inspect", "tokenizer", "train", "evaluate", "generate", "prune", "report")
"""The verbs in the order of `laconic --help`. Verb `x` is the function (or the Typer app) `x` in `laconic.cli.x`."""

DONE, FAILED, MISUSED = 0, 1, 2
_INTERRUPTED = 130
_LONGEST = 300
# Some releases of typer bring their own copy of click: its base class of usage errors is reached through typer.
_UsageProblem: type[Exception] = typer.BadParameter.__bases__[0]
_EXTRA_OF = {"matplotlib": "report", "zstandard": "zstd", "faiss": "memory", "bm25s": "memory"}


def _version(wanted: bool | None) -> None:
    if wanted:
        typer.echo(f"laconic {laconic.__version__}")
        raise typer.Exit


def _welcome(
    version: Annotated[
        bool | None, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = None,
) -> None:
    """Make language models smaller, and text files too.

    Example: squeeze a text file, and bring it back without loss:

        $ laconic compress book.txt

        $ laconic decompress book.txt.lac -o copy.txt
    """


def help_text(verb: Callable[..., Any]) -> str:
    """The docstring of a verb as help text: what stands before its `Args:`, with the lines of examples left as they are."""
    paragraphs = (inspect.getdoc(verb) or "").split("\n\n")
    kept: list[str] = []
    for paragraph in paragraphs:
        if paragraph.startswith(("Args:", "Raises:", "Returns:")):
            break
        as_it_is = paragraph.startswith("\b") or any(line.startswith(("    ", "$ ")) for line in paragraph.splitlines())
        kept.append("\b\n" + paragraph.removeprefix("\b\n") if as_it_is else paragraph)
    return "\n\n".join(kept)


def build_app() -> typer.Typer:
    """The command with all its verbs. No verb does any heavy import before it runs."""
    app = typer.Typer(name="laconic", rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
    app.callback(help=help_text(_welcome))(_welcome)
    for name in VERBS:
        if importlib.util.find_spec(f"laconic.cli.{name}") is None:
            continue
        verb = getattr(importlib.import_module(f"laconic.cli.{name}"), name)
        if isinstance(verb, typer.Typer):
            for below in verb.registered_commands:
                below.help = help_text(below.callback) if below.callback else below.help
            app.add_typer(verb, name=name)
        else:
            app.command(name, help=help_text(verb))(verb)
    return app


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the words after `laconic`; those of the process when None.

    Returns:
        0 done, 1 failed, 2 misused.
    """
    words = sys.argv[1:] if arguments is None else arguments
    show_remarks()
    try:
        code = build_app()(words or ["--help"], prog_name="laconic", standalone_mode=False)
        sys.stdout.flush()
        if code == _INTERRUPTED:
            raise KeyboardInterrupt
        if not words:
            return MISUSED
        return code if isinstance(code, int) else DONE
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else FAILED
    except BaseException as error:
        if os.environ.get("LACONIC_DEBUG") == "1":
            raise
        sentence, code = explain(error)
        if isinstance(error, BrokenPipeError):
            _silence_stdout()
        err.print(f"laconic: {sentence}")
        return code


def explain(error: BaseException) -> tuple[str, int]:
    """One sentence on what went wrong, and the exit code that goes with it."""
    match error:
        case LaconicError():
            return str(error), error.exit_code
        case KeyboardInterrupt() | typer.Abort():
            return "stopped on request; nothing half-done was left under a final name", FAILED
        case MemoryError():
            return "the memory of this machine is used up; close other programs, or give smaller input", FAILED
        case ModuleNotFoundError() if error.name and not error.name.startswith("laconic"):
            return _missing_package(error.name), FAILED
        case OSError():
            return _system_sentence(error), FAILED
        case _ if isinstance(error, _UsageProblem):
            return _usage_sentence(error), MISUSED
        case _:
            said = " ".join(str(error).split())
            found = f"{type(error).__name__}: {said[:_LONGEST]}" if said else type(error).__name__
            advice = "please report it with the command that led to it; LACONIC_DEBUG=1 shows where it happened"
            return f"an error that should not happen, {found}; {advice}", FAILED


def _missing_package(name: str) -> str:
    package = name.split(".")[0]
    extra = _EXTRA_OF.get(package, "train")
    return f"this needs the package {package!r}, which is not installed: run pip install 'laconic[{extra}]'"


def _system_sentence(error: OSError) -> str:
    if isinstance(error, BrokenPipeError):
        return "the program that was to read the output went away before all of it was written"
    place = f" {error.filename}" if error.filename is not None else ""
    if error.errno == errno.ENOSPC:
        return f"the disk is full and{place or ' the output'} could not be written; free some space and run again"
    return f"the system refused{place}: {error.strerror or error}; check the path, its permissions and the disk"


def _usage_sentence(error: Exception) -> str:
    """Click's message, without its full stop, and where to look next."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "laconic"
    if type(error).__name__ == "NoArgsIsHelpError":
        return f"{command} needs more words; {command} --help lists them"
    said: str = getattr(error, "format_message", error.__str__)()
    words = said.strip().rstrip(".")
    return f"{words[:1].lower()}{words[1:]}; {command} --help shows how it is used"


def _silence_stdout() -> None:
    """Point standard output at nothing, so that the interpreter does not complain again when it leaves."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


if __name__ == "__main__":
    sys.exit(main())
