"""`laconic generate`: a trained language model goes on with a text."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from laconic.cli.bars import counting_bar
from laconic.cli.console import print_result

if TYPE_CHECKING:
    from laconic.evaluation.memory import MemoryConfig


def generate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that laconic train wrote.")],
    prompt: Annotated[str | None, typer.Option(help="How the text begins. [empty]")] = None,
    prompt_file: Annotated[Path | None, typer.Option(help="A file with how the text begins.")] = None,
    tokens: Annotated[int, typer.Option(min=1, help="Write so many tokens, or up to the end of the document.")] = 100,
    memory: Annotated[
        Literal["none", "local", "long", "recurrence"] | None,
        typer.Option(
            help="Read with a memory: of the window, of what came before it too, or (recurrence) of what layers saw in the "
            "window before. [as the model was trained]"
        ),
    ] = None,
    memory_size: Annotated[int, typer.Option(min=1, help="Tokens of what came before (long).")] = 15_000,
    temperature: Annotated[float, typer.Option(help="Similarities in memory are divided by it.")] = 1.0,
    cache_weight: Annotated[
        float | None,
        typer.Option(help="Mix memory in with this weight, as the continuous cache does. [TRIME's one sum]"),
    ] = None,
    sampling_temperature: Annotated[
        float, typer.Option(help="Log probabilities are divided by it: below 1, the improbable is rarer.")
    ] = 1.0,
    top_p: Annotated[
        float, typer.Option(help="Draw only among the most probable tokens that have this share of all probability together.")
    ] = 1.0,
    greedy: Annotated[bool, typer.Option("--greedy", help="Always take the most probable token.")] = False,
    seed: Annotated[int, typer.Option(min=0, max=(1 << 63) - 1, help="The same seed writes the same text.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Go on with a text by a trained language model.

    Text and continuation are printed. With a memory, what was written a while ago can be said again: every token is predicted
    from the vocabulary and from the tokens that followed similar places before.

    Example: what would a model of Python sources write?

        $ laconic generate runs/small --prompt "def main(" --top-p 0.9

    Example: go on with a chapter, with its last 15,000 tokens as memory:

        $ laconic generate runs/trime --prompt-file chapter.txt --memory long --tokens 500
    """
    from laconic.errors import UsageError
    from laconic.memory.sampling import Sampling
    from laconic.recipes.generate import generate_text

    try:
        sampling = Sampling(temperature=sampling_temperature, top_p=top_p, greedy=greedy)
        read = _read_memory(memory, memory_size, temperature, cache_weight)
    except ValueError as error:
        raise UsageError(f"{error}; laconic generate --help lists the settings") from error
    begin = _read_prompt(prompt, prompt_file)
    with counting_bar("writing", tokens, quiet=as_json) as progress:
        made = generate_text(run, begin, tokens=tokens, memory=read, sampling=sampling, seed=seed, progress=progress)
    print_result(made.to_dict(), as_json, made.text)


def _read_memory(read: str | None, size: int, temperature: float, cache_weight: float | None) -> "MemoryConfig | None":
    """The memory that was asked for; None where none was named.

    Raises:
        ValueError: a number out of its range.
        UsageError: numbers for a memory that has no slots.
    """
    from laconic.errors import UsageError
    from laconic.evaluation.memory import MemoryConfig

    asked = MemoryConfig(read=read or "none", size=size, temperature=temperature, cache_weight=cache_weight)
    if read not in ("local", "long") and asked != MemoryConfig(read=asked.read):
        raise UsageError(
            "--memory-size, --temperature and --cache-weight change nothing without slots in memory: "
            "name --memory local or long"
        )
    return None if read is None else asked


def _read_prompt(prompt: str | None, file: Path | None) -> bytes:
    """How the text begins.

    Raises:
        UsageError: it is given twice.
    """
    from laconic.errors import UsageError

    if file is None:
        return (prompt or "").encode("utf-8", errors="surrogateescape")
    if prompt is not None:
        raise UsageError("the text begins with --prompt or with --prompt-file: leave out one of them")
    return file.read_bytes()
