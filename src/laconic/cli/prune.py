"""`laconic prune`: a Hugging Face model becomes a really smaller one that does one task, or foretells text."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from laconic.cli.console import columns, print_result
from laconic.errors import UsageError

if TYPE_CHECKING:
    from laconic.recipes.prune_config import PruneConfig
    from laconic.records.record import Record


def prune(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A folder with a pretrained model and its tokenizer.")],
    task: Annotated[str, typer.Option(help="sst2, mrpc, rte, cola, stsb, qnli, mnli, qqp or squad.")] = "",
    data: Annotated[Path | None, typer.Option(help="Your own task: a .csv, .tsv or .jsonl file with named columns.")] = None,
    valid_data: Annotated[Path | None, typer.Option(help="What to judge on. [a tenth of the rows of --data]")] = None,
    text: Annotated[
        str | None, typer.Option(help="For a language model: a file, a folder, or a corpus such as wikitext-2.")
    ] = None,
    valid_text: Annotated[str | None, typer.Option(help="What to judge it on. [the valid split of --text]")] = None,
    text_columns: Annotated[
        str | None, typer.Option(help="The column with the text, or two with a comma between. [text]")
    ] = None,
    label: Annotated[str | None, typer.Option(help="The column with the label. [label]")] = None,
    sparsity: Annotated[
        str | None, typer.Option(help="What is to go, as a share; several with commas between, rising. [0.95]")
    ] = None,
    speedup: Annotated[str | None, typer.Option(help="Instead: how many times faster on this machine, such as 5,10.")] = None,
    teacher: Annotated[Path | None, typer.Option(help="A model trained for the task. [one is trained]")] = None,
    deliver: Annotated[
        str, typer.Option(help="What each model is delivered as besides: onnx, int8, half, trimmed, with commas between.")
    ] = "",
    schedule: Annotated[
        str | None, typer.Option(help="How long: quick; small or large, as the paper for such tasks; text. [quick or text]")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", "-s", metavar="KEY=VALUE", help="Change a setting; --list shows them.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the run. [runs/prune-NAME]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in the folder.")] = False,
    show: Annotated[bool, typer.Option("--list", help="Show the settings and do nothing.")] = False,
    data_root: Annotated[Path | None, typer.Option(help="Folder with the named data sets. [LACONIC_DATA]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Prune an encoder for one task, or a language model, with CoFi: heads, feed-forward units and whole layers go.

    For a task a teacher is trained; a language model is its own teacher. Then the student loses its parts, is cut, and trained
    again. Below the folder, sparsity-0.95/model is a dense model that laconic.load opens, and with trust_remote_code
    transformers 5. Ctrl-C keeps a checkpoint; --resume goes on from it, and beyond, to higher sparsities added to those before.
    While it trains, progress.html in the folder shows what is left of each layer; laconic report makes a page of all models.
    In the end they are timed beside the teacher, unless --set measure.rounds=0.

    With --deliver, sparsity-0.95/delivery holds the same model made smaller: half, embeddings of 16 bits; trimmed, only the
    words that the train split has; onnx, an ONNX file, compared with the model; int8, one of 8 bits too, judged again.

    Example: a classifier of one's own with a twentieth of its layers' parameters:

        $ laconic prune encoder --data train.csv --text-columns text --label label --sparsity 0.95 --out runs/mine

    Example: two sparsities of one run, as the paper trains small tasks:

        $ laconic prune encoder --task mrpc --sparsity 0.6,0.95 --schedule small --out runs/mrpc

    Example: half of a GPT-2 or a Llama, on a text of one's own:

        $ laconic prune gpt2 --text book.txt --sparsity 0.5 --out runs/half

    Example: models that are 5 and 10 times faster here, one text of 64 tokens at a time:

        $ laconic prune encoder --task sst2 --speedup 5,10 --set latency.length=64 --out runs/fast

    Example: a small file for ONNX Runtime:

        $ laconic prune encoder --task sst2 --deliver onnx,int8,trimmed --out runs/sst2
    """
    from laconic.cli.bars import training_bar
    from laconic.recipes.registry import RunOptions
    from laconic.recipes.settings import apply_settings, list_settings, to_plain

    if show and not (task or data or text):
        task = "TASK"
    config = apply_settings(
        _configure(
            model,
            task,
            (data, valid_data, text_columns, label),
            (text, valid_text),
            (sparsity, speedup),
            teacher,
            schedule,
            deliver=deliver,
        ),
        settings or [],
    )
    if show:
        rows = {key: str(value) for key, value in list_settings(config).items()}
        return print_result({"config": to_plain(config)}, as_json, columns(rows))
    from laconic.recipes.prune import run_prune

    folder = out or Path("runs") / f"prune-{task or Path(data or text or '').stem}"
    with training_bar("pruning", quiet=as_json) as progress:
        record = run_prune(config, folder, RunOptions(data_root=data_root, resume=resume, progress=progress))
    print_result({"out": str(folder), **record.to_dict()}, as_json, describe(record, folder))


def _configure(
    model: Path,
    task: str,
    table: tuple[Path | None, Path | None, str | None, str | None],
    texts: tuple[str | None, str | None],
    targets: tuple[str | None, str | None],
    teacher: Path | None,
    schedule: str | None,
    *,
    deliver: str,
) -> "PruneConfig":
    from laconic.recipes.prune_config import scheduled

    if sum(map(bool, (task, table[0], texts[0]))) != 1:
        raise UsageError("give one of --task, --data and --text, and not several: it says what the smaller model is to do")
    learned: dict[str, Any] = {"task": task, **_table(*table), **_text(*texts)}
    try:
        sparsity, speedup = (_numbers(*named) for named in zip(("--sparsity", "--speedup"), targets, strict=True))
        if sparsity and speedup:
            raise UsageError("give --sparsity or --speedup, and not both: either says how small models are to be")
        sizes: dict[str, Any] = {"sparsities": sparsity, "speedups": speedup} if sparsity or speedup else {}
        return scheduled(
            schedule or "",
            model=str(model),
            teacher=str(teacher or ""),
            deliver=tuple(part.strip() for part in deliver.split(",") if part.strip()),
            **sizes,
            **learned,
        )
    except ValueError as error:
        raise UsageError(f"{error}; laconic prune --help lists what can be set") from error


def _numbers(option: str, words: str | None) -> tuple[float, ...]:
    if words is None:
        return ()
    try:
        return tuple(float(part) for part in words.split(","))
    except ValueError as error:
        raise UsageError(f"{option} is {words!r}, but must be numbers with commas between, such as 0.6,0.95 or 5,10") from error


def _table(data: Path | None, valid_data: Path | None, text_columns: str | None, label: str | None) -> dict[str, Any]:
    if data is None:
        if valid_data or text_columns or label:
            raise UsageError("--valid-data, --text-columns and --label say how a table is read: give one with --data")
        return {}
    columns = tuple(name.strip() for name in (text_columns or "text").split(",") if name.strip())
    return {"data": str(data), "valid_data": str(valid_data or ""), "text_columns": columns, "label": label or "label"}


def _text(text: str | None, valid_text: str | None) -> dict[str, Any]:
    if valid_text and not text:
        raise UsageError("--valid-text says what a text is judged on: give one with --text")
    return {"text": text or "", "valid_text": valid_text or ""}


def _beats(score: float, results: Mapping[str, Any]) -> bool:
    """Whether a model is worth more than none; also where a record does not say what that is."""
    trivial = results.get("without_a_model")
    return trivial is None or (score < trivial if results.get("lower_is_better") else score > trivial)


def _remarks(results: Mapping[str, Any], metric: str) -> Iterator[str]:
    """What the data was understood to be, and how much of a score is chance."""
    learned, judged = results.get("learned_from"), results.get("judged_on", {})
    if learned:
        labels = f" with the labels {', '.join(learned['labels'])}" if learned.get("labels") else ""
        yield f"Learned from {learned['examples']:,} examples{labels}."
    count = judged.get("questions") or judged.get("examples")
    if metric == "accuracy" and count:
        yield f"Judged on {count:,} examples, of which one counts {1 / count:.4f}."


def describe(record: "Record", folder: Path) -> str:
    """What came out, a line for each model."""
    results = record.results
    models = results["models"]
    names = list(models[0]["scores"])
    titles = "  ".join(f"{name:>9}" for name in names)
    lines = [f"{'gone':>7}  {titles}  {'parameters':>11}  {'without embeddings':>18}  {'faster':>6}  model"]
    for row in models:
        # Where speed was asked for, as it was asked for, and not at the size of batch at which all are timed in the end.
        faster = row.get("speedup", {}).get("measured") or row.get("times_faster", {}).get("torch")
        sizes, place, gone = row["parameters"], folder / row["folder"], row.get("real_sparsity", 0.0)
        scores = "  ".join(f"{row['scores'][name]:>{max(9, len(name))}.4f}" for name in names)
        lines.append(
            f"{gone:>7.1%}  {scores}  {sizes['all']:>11,}  {sizes['without_embeddings']:>18,}  "
            f"{'-' if faster is None else f'{faster:.1f}x':>6}  {place / 'model'}"
        )
        if row.get("delivery"):
            delivered = {"": row["delivery"]["scores"], " in 8 bits": row["delivery"].get("int8")}
            told = ", ".join(f"{names[0]}{words} {scores[names[0]]:.4f}" for words, scores in delivered.items() if scores)
            lines.append(f"{'':>7}  {place / 'delivery'}: {told}")
        if not _beats(row["scores"][names[0]], results):
            lines.append(f"{'':>7}  no better than without a model ({results['without_a_model']:.4f})")
    lines += _remarks(results, names[0])
    return "\n".join(lines)
