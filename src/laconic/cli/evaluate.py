"""`laconic evaluate`: what a trained model charges for held-out text, in bits per byte."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from laconic.cli.console import print_result


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that laconic train wrote.")],
    corpus: Annotated[str | None, typer.Option(help="Name or path of the text. [that of the run]")] = None,
    split: Annotated[str | None, typer.Option(help="Which part of it. [that of the run]")] = None,
    limit_mb: Annotated[
        float, typer.Option("--limit-mb", min=0.0001, max=1e6, help="Measure on so many MB (10^6 bytes).")
    ] = 1.0,
    stride: Annotated[
        int | None, typer.Option(min=1, help="New tokens per segment; fewer than the context overlap. [context]")
    ] = None,
    memory: Annotated[
        Literal["none", "local", "long", "recurrence"] | None,
        typer.Option(help="Read with a memory: of the segment, and of what came before it. [as it was trained]"),
    ] = None,
    memory_size: Annotated[int, typer.Option(min=1, help="Tokens of what came before (long); the most, with --tune.")] = 15_000,
    temperature: Annotated[float, typer.Option(help="Similarities in memory are divided by it.")] = 1.0,
    cache_weight: Annotated[
        float | None,
        typer.Option(help="Mix memory in with this weight, as the continuous cache does. [TRIME's one sum]"),
    ] = None,
    tune: Annotated[bool, typer.Option(help="Find temperature, size and weight on the valid split first.")] = False,
    look: Annotated[bool, typer.Option(help="Look into what memory contributes, for laconic report.")] = False,
    data_root: Annotated[Path | None, typer.Option(help="Folder with the named data sets. [LACONIC_DATA]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Measure a trained language model on held-out text.

    Bits per byte of the text, never per token, so that models with different tokenizers compare. A record is written into
    the folder of the run, beside those of earlier measurements.

    Example: how well does a model of Python sources read a book?

        $ laconic evaluate runs/small --corpus book.txt --split all --limit-mb 0.5

    Example: with the last 15,000 tokens as memory, each segment half new:

        $ laconic evaluate runs/trime --memory long --stride 256

    Example: with the settings that suit it best, and a page that shows what memory contributes:

        $ laconic evaluate runs/trime --memory long --stride 256 --tune --look

        $ laconic report runs/trime -o memory.html
    """
    import math

    from laconic.cli.bars import training_bar
    from laconic.cli.train import describe
    from laconic.errors import UsageError
    from laconic.evaluation.memory import MemoryConfig
    from laconic.recipes.evaluate import evaluate_run
    from laconic.recipes.registry import RunOptions

    if math.isnan(limit_mb):
        raise UsageError("--limit-mb is nan, but must be a number of MB")
    try:
        read = MemoryConfig(read=memory or "none", size=memory_size, temperature=temperature, cache_weight=cache_weight)
    except ValueError as error:
        raise UsageError(f"{error}; laconic evaluate --help lists the settings") from error
    if memory is None and (read != MemoryConfig() or tune):
        raise UsageError(
            "--memory-size, --temperature, --cache-weight and --tune change nothing without --memory: name local or long"
        )
    with training_bar("measuring", quiet=as_json) as progress:
        options = RunOptions(data_root=data_root, progress=progress)
        record, path = evaluate_run(
            run, corpus=corpus, split=split, limit=round(limit_mb * 1e6), stride=stride, memory=memory and read, tune=tune,
            look=look, options=options,
        )  # fmt: skip
    text = describe(record, run).replace(str(run / "record.json"), str(path))
    print_result({"record": str(path), **record.to_dict()}, as_json, text)
