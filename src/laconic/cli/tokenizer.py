"""`laconic tokenizer`: build tokenizers, use them, look at them, compare them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from laconic.cli.bars import counting_bar
from laconic.cli.console import print_result, progress_bytes

if TYPE_CHECKING:
    from laconic.codec.codebook import Codebook
    from laconic.tokens.face import Tokenizer

tokenizer = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Build tokenizers, encode and decode with them, look at them, compare them.

\b
Example: see how a sentence is cut into windows of equal information:
    $ laconic tokenizer show "The cat sat on the mat."

\b
Example: compare tokenizers on a file:
    $ laconic tokenizer compare book.txt --tokenizers bytes,gzip[256],default
""",
)

_NAMES = "a folder, or default, bytes, gzip[256], ac[65536], equal-info[16,65536] and the like"
Which = Annotated[str, typer.Option("--tokenizer", "-t", help=f"Which one: {_NAMES}.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@tokenizer.command()
def build(
    kind: Annotated[str, typer.Argument(help="bytes, words, sentencepiece, bpe, ac, static-ac, gzip or equal-info.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write.")],
    corpus: Annotated[
        str, typer.Option(help="Text to learn from: stdlib, wikipedia-en or another name, a path, or -.")
    ] = "stdlib",
    split: Annotated[str | None, typer.Option(help="Which part of a named corpus; train if it has one.")] = None,
    limit_mb: Annotated[float, typer.Option(min=0.001, max=1e6, help="Learn from the first so many million bytes.")] = 16.0,
    vocab_size: Annotated[int | None, typer.Option(help="Ids in all (words: all of them; sentencepiece, bpe: 4096).")] = None,
    bits: Annotated[int | None, typer.Option(help="Bits per window, 16 to 128 (equal-info). [16]")] = None,
    token_bits: Annotated[
        int | None, typer.Option(help="Bits per token, 8 or 16 (ac, static-ac, gzip, equal-info). [16]")
    ] = None,
    precision: Annotated[int | None, typer.Option(help="Bits of the counts (ac, static-ac, equal-info). [16]")] = None,
    reading: Annotated[
        Literal["exact", "delay", "paper"] | None, typer.Option(help="When a window ends (equal-info). [exact]")
    ] = None,
    reset: Annotated[str | None, typer.Option(help="every, never, or every so many windows (equal-info). [every]")] = None,
    header: Annotated[bool | None, typer.Option(help="zlib's header and checksum (gzip). [--header]")] = None,
    model: Annotated[str | None, typer.Option(help="The byte model: a name or file (ac, equal-info). [default]")] = None,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile windows of 17 to 24 bits too; those of 16 always are (equal-info).")
    ] = False,
    as_json: AsJSON = False,
) -> None:
    """Build a tokenizer and save it to a folder.

    Settings that belong to another kind are refused. Exact windows of 16 bits are compiled: the byte model is asked about
    every window once, and encoding does without it, hundreds of times as fast. Longer ones take minutes and gigabytes.

    Example: a SentencePiece vocabulary from the standard library's sources:

        $ laconic tokenizer build sentencepiece --vocab-size 4096 --out my-sentencepiece

    Example: Equal-Info windows of 24 bits:

        $ laconic tokenizer build equal-info --bits 24 --out my-windows

    Example: windows of 20 bits, compiled:

        $ laconic tokenizer build equal-info --bits 20 --compile --out my-windows
    """
    import math
    import time

    from laconic.errors import UsageError
    from laconic.text.corpora import open_corpus
    from laconic.tokens.registry import TRAINED, build_tokenizer, save_tokenizer

    if math.isnan(limit_mb):
        raise UsageError("--limit-mb is nan, but must be a number of MB")
    given: dict[str, Any] = {
        "vocab_size": vocab_size,
        "bits": bits,
        "token_bits": token_bits,
        "precision": precision,
        "reading": reading,
    }
    given |= {"reset": _read_reset(reset), "header": header, "model": model}
    settings: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    began = time.perf_counter()
    learned: dict[str, Any] | None = None
    try:
        if kind in TRAINED:
            text = open_corpus(corpus, split)
            with progress_bytes("reading", int(limit_mb * 1e6), quiet=as_json) as progress:
                built = build_tokenizer(kind, _first_bytes(text.documents(), int(limit_mb * 1e6), progress), **settings)
            learned = text.describe()
        else:
            built = build_tokenizer(kind, **settings)
        book = _compile(built, compiled, quiet=as_json)
    except ValueError as error:
        raise UsageError(f"{error}; laconic tokenizer build --help lists the settings") from error
    save_tokenizer(built, out)
    data = {"name": built.name, "vocab_size": built.vocab_size, "out": str(out), "corpus": learned}
    data |= {"seconds": time.perf_counter() - began, "settings": built.settings()}
    data["compiled"] = {"strings": book.strings, "codes": book.owners_K.size} if book else None
    remark = f", compiled to {book.strings:,} strings" if book else ""
    print_result(data, as_json, f"{built.name} with {built.vocab_size:,} ids is in {out}{remark}")


def _compile(built: "Tokenizer", asked: bool, *, quiet: bool) -> "Codebook | None":
    """Compile the windows of a tokenizer if that was asked for, or if they are short; its codebook, if it has one.

    Raises:
        UsageError: it was asked for, but the tokenizer has no windows.
        ValueError: it was asked for, but the windows cannot be compiled.
    """
    from laconic.errors import UsageError
    from laconic.tokens.equal_info import EqualInfoTokenizer

    core = built.core
    if not isinstance(core, EqualInfoTokenizer):
        if asked:
            raise UsageError(f"--compile is for windows, but {built.name} has none: leave it out")
        return None
    with counting_bar("compiling", 1 << core.window_bits, quiet=quiet) as progress:
        return core.compile(progress) if asked else core.compile_short(progress)


def _read_reset(reset: str | None) -> int | str | None:
    """When the byte model forgets, as the config has it.

    Raises:
        UsageError: neither a word nor a number that it knows.
    """
    from laconic.errors import UsageError

    if reset is None or reset in ("every", "never"):
        return reset
    if not reset.isdigit() or int(reset) < 1:
        raise UsageError(f"reset is {reset!r}, but must be every, never or a number of windows from 1 on")
    return int(reset)


def _first_bytes(documents: Any, limit: int, progress: Any) -> Any:
    """The first documents of a corpus, `limit` bytes in all; the last one is cut."""
    done = 0
    for document in documents:
        if done >= limit:
            return
        yield document[: limit - done]
        done += len(document)
        progress(min(done, limit))


@tokenizer.command()
def encode(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="What to encode; - is standard input.")],
    which: Which = "default",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to: .npy, else text. [standard output]")] = None,
    as_json: AsJSON = False,
) -> None:
    """Encode a file as ids: numbers on one line, or a NumPy array where the output ends with .npy.

    Example: the ids of a text, and the text of the ids:

        $ echo "The cat sat." | laconic tokenizer encode - | laconic tokenizer decode -
    """
    import numpy as np

    from laconic.records.files import open_atomic

    data = _read(file)
    chosen = _load(which)
    ids = chosen.encode_bytes(data)
    result: dict[str, Any] = {"tokenizer": chosen.name, "bytes": len(data), "tokens": int(ids.size)}
    if output is None:
        print_result(result | {"ids": ids.tolist()}, as_json, " ".join(map(str, ids.tolist())) or "\n")
        return
    with open_atomic(output) as stream:
        if output.suffix == ".npy":
            np.save(stream, ids, allow_pickle=False)
        else:
            stream.write((" ".join(map(str, ids.tolist())) + "\n").encode())
    rate = f"{len(data) / max(ids.size, 1):.3f} bytes per token"
    print_result(
        result | {"output": str(output)}, as_json, f"{len(data):,} bytes became {ids.size:,} ids ({rate}), in {output}"
    )


@tokenizer.command()
def decode(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="Ids: numbers as text, or a .npy file; - is standard input.")],
    which: Which = "default",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to. [standard output]")] = None,
    as_json: AsJSON = False,
) -> None:
    """Decode ids to the bytes they stand for. Ends of documents leave no trace.

    Example: bring back what encode wrote:

        $ laconic tokenizer encode book.txt -o book.npy

        $ laconic tokenizer decode book.npy -o copy.txt
    """
    import sys

    from laconic.records.files import open_atomic

    ids = _read_ids(file)
    chosen = _load(which)
    data = chosen.decode_bytes(ids)
    result = {"tokenizer": chosen.name, "bytes": len(data), "tokens": len(ids), "output": str(output) if output else "-"}
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        with open_atomic(output) as stream:
            stream.write(data)
    said = f"{len(ids):,} ids became {len(data):,} bytes, in {output}"
    print_result(result, as_json, said if output else "", to_stderr=output is None)


@tokenizer.command()
def show(
    text: Annotated[str, typer.Argument(metavar="TEXT|FILE|-", help="A text, a file, or - for standard input.")],
    which: Which = "default",
    bits: Annotated[bool, typer.Option("--bits", help="Show the bits of each window or token too.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="List the ids of the first so many tokens.")] = 64,
    as_json: AsJSON = False,
) -> None:
    """Show a text with its tokens in alternating colours, then each token with its ids.

    Where ids have no text of their own (8-bit tokens of wider windows, gzip, ac), those that belong together are shown as
    one. Where there are no colours, bars stand between tokens. A byte that is only part of a letter is shown as <E2>.

    Example: windows of equal information, with their bits:

        $ laconic tokenizer show "The cat sat on the mat." --bits
    """
    from laconic.cli.tokenview import print_runs
    from laconic.tokens.base import symbols_of
    from laconic.tokens.view import token_bits_of, view_runs

    chosen = _load(which)
    runs = view_runs(
        chosen, symbols_of(_read(text) if text == "-" or _is_file(text) else text.encode(errors="surrogateescape"))
    )
    if as_json:
        shown = [{"ids": run.ids, "text": run.text, "symbols": run.size} for run in runs]
        if bits:
            shown = [row | {"bits": run.bits(token_bits_of(chosen))} for row, run in zip(shown, runs, strict=True)]
        print_result({"tokenizer": chosen.name, "tokens": sum(len(run.ids) for run in runs), "runs": shown}, True, "")
        return
    print_runs(chosen.name, runs, token_bits_of(chosen) if bits else None, limit)


@tokenizer.command()
def compare(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="The text to compare on; - is standard input.")],
    which: Annotated[str, typer.Option("--tokenizers", help=f"Several, with commas between: {_NAMES}.")] = (
        "bytes,gzip[256],ac[256],equal-info[16,256],equal-info[16,65536]"
    ),
    piece: Annotated[int, typer.Option(min=0, help="Bytes of text encoded as one document; 0 for the whole file.")] = 10240,
    as_json: AsJSON = False,
) -> None:
    """Compare tokenizers on one file: bytes per token, bit compression, speed, and whether the text comes back.

    Bit compression is bits of text for each bit of ids. The file is cut into pieces of 10,240 bytes, as the paper does;
    each is a document of its own. One process, after a warm-up; windows of 16 bits are compiled before.

    Example: bytes, a folder of yours, and the default:

        $ laconic tokenizer compare book.txt --tokenizers bytes,my-sentencepiece,default
    """
    from laconic.cli.tokenview import comparison_table
    from laconic.errors import UsageError
    from laconic.tokens.base import symbols_of
    from laconic.tokens.measure import measure

    data = _read(file)
    if not data:
        raise UsageError(f"{file} holds no text to compare tokenizers on: name another file")
    step = piece or len(data)
    documents = [symbols_of(data[begin : begin + step]) for begin in range(0, len(data), step)]
    names = split_names(which)
    rows = []
    with progress_bytes("comparing", len(data) * len(names), quiet=as_json) as progress:
        for name in names:
            chosen = _load(name)
            _compile(chosen, False, quiet=True)
            rows.append(measure(chosen, documents))
            progress(len(data) * len(rows))
    result = {"file": file, "bytes": len(data), "piece_bytes": step, "tokenizers": [row.as_dict() for row in rows]}
    print_result(result, as_json, comparison_table(rows))


def split_names(names: str) -> list[str]:
    """Names of tokenizers with commas between, some of which have commas in brackets themselves."""
    import re

    return [name for name in re.split(r",(?![^\[]*\])", names) if name]


def _load(which: str) -> "Tokenizer":
    from laconic.tokens.registry import load_tokenizer

    return load_tokenizer(which)


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # No name of a file at all, such as one that is too long.
        return False


def _read(file: str) -> bytes:
    """The bytes of a file, or of standard input."""
    import sys

    return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()


def _read_ids(file: str) -> Any:
    """Ids from a NumPy file or from text.

    Raises:
        CorruptFileError: something else than ids.
    """
    import numpy as np

    from laconic.errors import CorruptFileError

    if file.endswith(".npy"):
        try:
            ids = np.load(file, mmap_mode="r", allow_pickle=False)
        except OSError:
            raise
        except Exception as error:  # whatever its parser of headers happens to raise
            raise CorruptFileError(f"{file} is no NumPy array of ids: write one with laconic tokenizer encode -o") from error
    else:
        try:
            ids = np.array(_read(file).split(), np.int64)
        except (ValueError, OverflowError) as error:
            raise CorruptFileError(f"{file} holds something else than ids, which are whole numbers: check the file") from error
    if ids.ndim != 1 or ids.dtype.kind not in "iu" or (ids.size and not 0 <= ids.min() <= ids.max() < 1 << 31):
        raise CorruptFileError(f"{file} holds no list of ids, which are whole numbers from 0 on: check the file")
    return ids.astype(np.int32)
