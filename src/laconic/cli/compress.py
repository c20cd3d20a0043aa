"""`laconic compress`: a file or a pipe, made smaller without loss."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from laconic.cli.console import err, print_result, progress_bytes

if TYPE_CHECKING:
    from laconic.archive.ports import FileSource
    from laconic.bytelm.base import AbstractByteLM

SUFFIX = ".lac"


def compress(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="What to compress; - is standard input.")],
    output: Annotated[str | None, typer.Option("--output", "-o", help="Where to; - is standard output. [FILE.lac]")] = None,
    model: Annotated[str, typer.Option(help="auto, default, light, uniform, or a .safetensors file.")] = "auto",
    precision: Annotated[int, typer.Option(min=12, max=24, help="Bits of the model's counts.")] = 20,
    threads: Annotated[int | None, typer.Option(help="How many threads to use; the result is the same. [all cores]")] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Write over an output that exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Compress a file so that any machine brings back the same bytes.

    Text of any size is read and written in one pass. The model `auto` is the best one, which is slow, below 2.5 MB, and the
    light one above.

    Example: squeeze a book, and look at what came out:

        $ laconic compress book.txt

        $ laconic inspect book.txt.lac

    Example: in a pipe:

        $ cat *.txt | laconic compress - > all.lac
    """
    from laconic.archive.stream import compress_stream
    from laconic.bytelm.limits import limit_threads
    from laconic.cli.heap import return_large_blocks
    from laconic.cli.piping import PIPE, open_input, open_output, refuse_terminal

    return_large_blocks()
    target = output or (PIPE if file == PIPE else file + SUFFIX)
    refuse_terminal(target)
    if threads is not None:
        limit_threads(threads)
    began = time.perf_counter()
    with open_input(file) as (source, size):
        chosen, source, size = _choose(model, source, size, quiet=as_json)
        with (
            open_output(target, force=force) as sink,
            progress_bytes("compressing", size, quiet=as_json) as progress,
        ):
            summary = compress_stream(source, sink, model=chosen, precision=precision, progress=progress)
    seconds = time.perf_counter() - began
    data = {"input": file, "output": target, "seconds": seconds, "model_description": chosen.description} | summary.as_dict()
    ratio = f", {summary.bits_per_byte:.3f} bits/byte" if summary.bits_per_byte is not None else ""
    text = f"{file}: {summary.text_bytes:,} bytes became {summary.file_bytes:,}{ratio}, in {target}"
    print_result(data, as_json, "" if target == PIPE else text, to_stderr=target == PIPE)


def _choose(
    name: str, source: "FileSource", size: int | None, *, quiet: bool
) -> "tuple[AbstractByteLM, FileSource, int | None]":
    """The model; for `auto` from the length of the input, of which a pipe shows only the beginning."""
    from laconic.archive.choice import LARGE_INPUT, open_auto
    from laconic.archive.writer import read_full
    from laconic.bytelm.registry import load_byte_lm
    from laconic.cli.piping import put_back

    if name != "auto":
        return load_byte_lm(name), source, size
    if size is None:
        head = read_full(source, LARGE_INPUT)
        size = len(head) if len(head) < LARGE_INPUT else None
        source = put_back(head, source)
    choice, chosen = open_auto(size)
    if choice.note:
        err.print(f"laconic: {choice.note}")
    if choice.seconds is not None and choice.seconds > 2 and not quiet:
        err.print(f"model {choice.name}, about {choice.seconds:.0f} s; --model decides otherwise")
    return chosen, source, size
