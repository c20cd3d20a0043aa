"""`laconic inspect`: what a compressed file holds, without decompressing it."""

from typing import TYPE_CHECKING, Annotated

import typer

from laconic.cli.console import print_result
from laconic.errors import CorruptFileError, MissingExtraError, ModelMismatchError

if TYPE_CHECKING:
    from laconic.archive.summary import Summary


def inspect(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A compressed file; - is standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show header, model, precision and blocks of a compressed file, damaged or not.

    Nothing is decoded: damage inside a block shows only when it is decompressed.

    Example: what is in this file?

        $ laconic inspect book.txt.lac
    """
    from laconic.archive.stream import inspect_stream
    from laconic.cli.piping import open_input

    with open_input(file) as (source, _):
        summary = inspect_stream(source)
    name, description = _describe(summary.model)
    data = {"input": file, "model_name": name, "model_description": description} | summary.as_dict()
    print_result(data, as_json, _table(file, summary, ": ".join(filter(None, (name, description)))))
    if summary.losses:
        shown = "; ".join(str(loss) for loss in summary.losses[:3])
        raise CorruptFileError(f"{file} is damaged, lost: {shown}; laconic decompress --salvage recovers the rest")


def _describe(fingerprint: str) -> tuple[str, str]:
    """The name of a model and what it is; empty where laconic does not know."""
    from laconic.bytelm.registry import SHIPPED, find_byte_lm

    names = {f"{shipped.fingerprint:016x}": name for name, shipped in SHIPPED.items()}
    try:
        return names.get(fingerprint, ""), find_byte_lm(int(fingerprint, 16)).description if fingerprint else ""
    except (ModelMismatchError, MissingExtraError):
        return names.get(fingerprint, ""), ""


def _table(file: str, summary: "Summary", model: str) -> str:
    """The summary in words and columns."""
    rate = f", {summary.bits_per_byte:.3f} bits/byte" if summary.bits_per_byte is not None else ""
    known = model or "does not come with this laconic: decompress needs --model"
    lines = [
        f"{file}: {summary.file_bytes:,} bytes for {summary.text_bytes:,} bytes of text{rate}",
        f"  model      {summary.model} ({known})" if summary.model else "  model      unreadable",
        f"  precision  {summary.precision} bits" if summary.precision else "  precision  unreadable",
        f"  blocks     {summary.blocks:,}",
    ]
    for kind, total in summary.kinds.items():
        if total.blocks:
            rate = f"{8 * total.file_bytes / total.text_bytes:.3f} bits/byte"
            plural = "s" if total.blocks > 1 else ""
            sizes = f"{total.text_bytes:,} bytes of text in {total.file_bytes:,}"
            lines.append(f"  {kind:<10} {total.blocks:,} block{plural}, {sizes}, {rate}")
    lines += [f"  note       {note}" for note in summary.notes]
    return "\n".join(lines)
