"""`laconic quickstart`: the main job on real text, from nothing to a report, in a few minutes."""

import contextlib
import io
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from laconic.cli.console import err, print_result

if TYPE_CHECKING:
    from laconic.records.record import Record

_WIDTH = 100


def quickstart(
    text: Annotated[Path | None, typer.Option(help="A file or folder of text. [Python's standard library]")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report, the records and the models.")] = Path(
        "quickstart"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Compress, tokenize, train three small language models, and write a report: the main job, in a few minutes.

    A held-out file is compressed with every codec, and each round trip is verified. Then a small language model is trained
    on bytes, on SentencePiece tokens and on Equal-Info tokens, each on the same bytes of text, and measured in bits per byte
    of the same held-out text.

    Example: on your own text:

        $ laconic quickstart --text book.txt --out book-report
    """
    from laconic.recipes.quickstart import REPORT, run_quickstart

    began = time.perf_counter()
    with _stages(quiet=as_json) as tell:
        records = run_quickstart(text, out, tell)
    seconds = time.perf_counter() - began
    data = {"report": str(out / REPORT), "seconds": seconds, "records": [record.to_dict() for record in records]}
    print_result(data, as_json, _in_words(records, out / REPORT, seconds))


@contextlib.contextmanager
def _stages(*, quiet: bool) -> Iterator[Callable[[str, int, int | None, str], None]]:
    """One bar after another, a new one for each stage."""
    from laconic.cli.bars import training_bar

    with contextlib.ExitStack() as open_bar:
        stage, bar = "", None

        def tell(name: str, done: int, total: int | None, words: str) -> None:
            nonlocal stage, bar
            if name != stage:
                open_bar.close()
                if not quiet:
                    err.print(f"{name} ...")
                stage, bar = name, open_bar.enter_context(training_bar(name, quiet=quiet))
            if bar is not None:
                bar(done, total, words)

        yield tell


def _in_words(records: Sequence["Record"], report: Path, seconds: float) -> str:
    from rich.console import Console

    out = io.StringIO()
    console = Console(file=out, width=_WIDTH, highlight=False, markup=False, emoji=False)
    show = {"compression": _codecs, "tokenizers": _tokenizers}
    for record in records:
        if record.kind in show:
            console.print(*show[record.kind](record), sep="\n")
    models = [record for record in records if record.kind == "language-model"]
    if models:
        console.print(*_models(models), sep="\n")
    for note in dict.fromkeys(note for record in records for note in record.results.get("notes", [])):
        console.print(f"Note: {note}\n")
    console.print(f"The report: {report} ({seconds:,.0f} s in all)", soft_wrap=True)
    return out.getvalue().rstrip()


def _codecs(record: "Record") -> tuple[str, Any]:
    results = record.results
    title = f"\nA {results['file']}, {results['bytes']:,} bytes; every codec gave it back exactly."
    rows = [
        (
            row["name"],
            f"{row['compressed_bytes']:,}",
            f"{row['bits_per_byte']:.3f}",
            f"{row['encode_mb_per_s']:.2f}",
            f"{row['decode_mb_per_s']:.2f}",
        )
        for row in sorted(results["codecs"], key=lambda row: float(row["bits_per_byte"]))
    ]
    return title, _table(("codec", "bytes", "bits/byte", "encode MB/s", "decode MB/s"), rows)


def _tokenizers(record: "Record") -> tuple[str, Any]:
    rows = [
        (
            row["name"],
            f"{row['vocab_size']:,}",
            f"{row['bytes_per_token']:.3f}",
            f"{row['bit_compression']:.3f}",
            f"{row['encode_mb_per_s']:.2f}",
        )
        for row in record.results["tokenizers"]
    ]
    title = f"Tokenizers on {record.results['bytes']:,} held-out bytes; each gave them back exactly."
    return title, _table(("tokenizer", "vocabulary", "bytes/token", "bit compression", "encode MB/s"), rows)


def _models(records: Sequence["Record"]) -> tuple[str, Any]:
    rows = []
    for record in records:
        results = record.results
        rows.append(
            (
                results["tokenizer"],
                f"{results['bits_per_byte']:.3f}",
                f"{results['bytes_per_step']:.3f}",
                f"{results['flops_per_byte'] / 1e6:.2f}M",
                f"{results['flops_per_byte_full'] / 1e6:.2f}M",
                f"{results['parameters'] / 1e6:.2f}M",
                f"{record.cost['wall_seconds']:.0f}",
            )
        )
    results = records[0].results
    title = (
        f"Language models, each trained on the same {results['training_bytes']:,} bytes and measured on the same "
        f"{results['held_out_bytes']:,} held-out bytes. FLOPs/byte as the paper counts them, and with softmax and attention."
    )
    columns = ("tokens", "bits/byte", "bytes/step", "FLOPs/byte", "in full", "parameters", "seconds")
    return title, _table(columns, rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, header_style="")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table
