"""`laconic decompress`: the same bytes again, or what can be saved of them."""

import time
from typing import Annotated

import typer

from laconic.cli.console import err, print_result, progress_bytes
from laconic.errors import CorruptFileError, UsageError

_SUFFIX = ".lac"
_SHOWN_LOSSES = 5


def decompress(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A compressed file; - is standard input.")],
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="Where to; - is standard output. [FILE without .lac]")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Needed only if the model did not come with laconic.")] = None,
    threads: Annotated[int | None, typer.Option(help="How many threads to use; the result is the same. [all cores]")] = None,
    salvage: Annotated[bool, typer.Option("--salvage", help="Keep the undamaged blocks of a damaged file.")] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Write over an output that exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Bring back the bytes that were compressed, verified block by block.

    The output appears under its name only when all of it is verified. With --salvage, damaged blocks are left out, what
    is missing is told, and the exit code is 1 if anything is.

    Example: bring back a book, under another name:

        $ laconic decompress book.txt.lac -o copy.txt

    Example: save what can be saved:

        $ laconic decompress --salvage damaged.lac -o most-of-it.txt
    """
    from laconic.archive.stream import decompress_stream
    from laconic.bytelm.limits import limit_threads
    from laconic.bytelm.registry import load_byte_lm
    from laconic.cli.heap import return_large_blocks
    from laconic.cli.piping import PIPE, open_input, open_output

    return_large_blocks()
    target = output or _target(file)
    if threads is not None:
        limit_threads(threads)
    began = time.perf_counter()
    with (
        open_input(file) as (source, size),
        open_output(target, force=force) as sink,
        progress_bytes("decompressing", size, quiet=as_json) as progress,
    ):
        chosen = None if model is None else load_byte_lm(model)
        summary = decompress_stream(source, sink, model=chosen, salvage=salvage, progress=progress)
    data = {"input": file, "output": target, "seconds": time.perf_counter() - began} | summary.as_dict()
    text = f"{file}: {summary.file_bytes:,} bytes became {summary.text_bytes:,}, in {target}"
    print_result(data, as_json, "" if target == PIPE else text, to_stderr=target == PIPE)
    for note in [] if as_json else summary.notes:
        err.print(f"laconic: {note}")
    if summary.losses:
        shown = "; ".join(str(loss) for loss in summary.losses[:_SHOWN_LOSSES])
        more = len(summary.losses) - _SHOWN_LOSSES
        tail = f"; and {more} more, which --json lists" if more > 0 else ""
        raise CorruptFileError(f"not all of the text could be saved; lost: {shown}{tail}")


def _target(file: str) -> str:
    if file == "-":
        return "-"
    if not file.endswith(_SUFFIX) or file == _SUFFIX:
        raise UsageError(f"{file} does not end with {_SUFFIX}, so the name of its text is not known: name it with -o")
    return file.removesuffix(_SUFFIX)
