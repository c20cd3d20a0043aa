"""`laconic prune`: a Hugging Face encoder becomes a really smaller one that does one task."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from laconic.cli.console import columns, print_result
from laconic.errors import UsageError

if TYPE_CHECKING:
    from laconic.recipes.prune_config import PruneConfig
    from laconic.records.record import Record


def prune(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A folder with a pretrained encoder and its tokenizer.")],
    task: Annotated[str, typer.Option(help="sst2, mrpc, rte, cola, stsb, qnli, mnli, qqp or squad.")] = "",
    data: Annotated[Path | None, typer.Option(help="Your own task: a .csv, .tsv or .jsonl file with named columns.")] = None,
    valid_data: Annotated[Path | None, typer.Option(help="What to judge on. [every tenth row of --data]")] = None,
    text_columns: Annotated[
        str | None, typer.Option(help="The column with the text, or two with a comma between. [text]")
    ] = None,
    label: Annotated[str | None, typer.Option(help="The column with the label. [label]")] = None,
    sparsity: Annotated[str, typer.Option(help="What is to go, as a share; several with commas between, rising.")] = "0.95",
    teacher: Annotated[Path | None, typer.Option(help="A model trained for the task. [one is trained]")] = None,
    deliver: Annotated[
        str, typer.Option(help="What each model is delivered as besides: onnx, int8, half, trimmed, with commas between.")
    ] = "",
    schedule: Annotated[str, typer.Option(help="How long: quick, small or large, as the paper for such tasks.")] = "quick",
    settings: Annotated[
        list[str] | None, typer.Option("--set", "-s", metavar="KEY=VALUE", help="Change a setting; --list shows them.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the run. [runs/prune-TASK]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in the folder.")] = False,
    show: Annotated[bool, typer.Option("--list", help="Show the settings and do nothing.")] = False,
    data_root: Annotated[Path | None, typer.Option(help="Folder with the named data sets. [LACONIC_DATA]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Prune an encoder for one task, with CoFi: heads, feed-forward units and whole layers go, guided by a teacher.

    The teacher is trained, then the student loses its parts, is cut, and trained again. Below the folder, sparsity-0.95/model
    is a dense model that laconic.load opens, and with trust_remote_code any transformers. Ctrl-C keeps a checkpoint;
    --resume goes on from it. While it trains, progress.html in the folder shows what is left of each layer; laconic report
    makes a page of all models. In the end they are timed beside the teacher, unless --set measure.rounds=0.

    With --deliver, sparsity-0.95/delivery holds the same model made smaller: half, embeddings of 16 bits; trimmed, only the
    words that the train split has; onnx, an ONNX file, compared with the model; int8, one of 8 bits too, judged again.

    Example: a classifier of one's own, twenty times smaller:

        $ laconic prune encoder --data train.csv --text-columns text --label label --sparsity 0.95 --out runs/mine

    Example: two sparsities of one run, as the paper trains small tasks:

        $ laconic prune encoder --task mrpc --sparsity 0.6,0.95 --schedule small --out runs/mrpc

    Example: a small file for ONNX Runtime:

        $ laconic prune encoder --task sst2 --deliver onnx,int8,trimmed --out runs/sst2
    """
    from laconic.cli.bars import training_bar
    from laconic.recipes.registry import RunOptions
    from laconic.recipes.settings import apply_settings, list_settings, to_plain

    config = apply_settings(
        _configure(model, task, data, valid_data, text_columns, label, sparsity, teacher, deliver, schedule), settings or []
    )
    if show:
        rows = {key: str(value) for key, value in list_settings(config).items()}
        return print_result({"config": to_plain(config)}, as_json, columns(rows))
    from laconic.recipes.prune import run_prune

    folder = out or Path("runs") / f"prune-{task or data.stem if data else task}"
    with training_bar("pruning", quiet=as_json) as progress:
        record = run_prune(config, folder, RunOptions(data_root=data_root, resume=resume, progress=progress))
    print_result({"out": str(folder), **record.to_dict()}, as_json, describe(record, folder))


def _configure(
    model: Path,
    task: str,
    data: Path | None,
    valid_data: Path | None,
    text_columns: str | None,
    label: str | None,
    sparsity: str,
    teacher: Path | None,
    deliver: str,
    schedule: str,
) -> "PruneConfig":
    from laconic.recipes.prune_config import SCHEDULES, PruneConfig

    if schedule not in SCHEDULES:
        raise UsageError(f"there is no schedule {schedule!r}: choose one of {', '.join(SCHEDULES)}")
    table: dict[str, Any] = {}
    if data is not None:
        columns = tuple(name.strip() for name in (text_columns or "text").split(",") if name.strip())
        table = {"data": str(data), "valid_data": str(valid_data or ""), "text_columns": columns, "label": label or "label"}
    elif valid_data or text_columns or label:
        raise UsageError("--valid-data, --text-columns and --label say how a table is read: give one with --data")
    try:
        return PruneConfig(
            model=str(model),
            task=task,
            sparsities=tuple(float(part) for part in sparsity.split(",")),
            teacher=str(teacher or ""),
            deliver=tuple(part.strip() for part in deliver.split(",") if part.strip()),
            **table,
            **SCHEDULES[schedule],
        )
    except ValueError as error:
        raise UsageError(f"{error}; laconic prune --help lists what can be set") from error


def describe(record: "Record", folder: Path) -> str:
    """What came out, a line for each model."""
    metric, models = record.results["metric"], record.results["models"]
    lines = [f"{'gone':>7}  {metric:>9}  {'parameters':>11}  {'without embeddings':>18}  {'faster':>6}  model"]
    for row in models:
        sizes, faster = row["parameters"], row["times_faster"].get("torch") if "times_faster" in row else None
        place = folder / (f"sparsity-{row['sparsity']:g}" if row["sparsity"] else "teacher")
        gone = row.get("real_sparsity", 0.0)
        lines.append(
            f"{gone:>7.1%}  {row['scores'][metric]:>9.4f}  {sizes['all']:>11,}  {sizes['without_embeddings']:>18,}  "
            f"{'-' if faster is None else f'{faster:.1f}x':>6}  {place / 'model'}"
        )
        if row.get("delivery"):
            delivered = {"": row["delivery"]["scores"], " in 8 bits": row["delivery"].get("int8")}
            told = ", ".join(f"{metric}{words} {scores[metric]:.4f}" for words, scores in delivered.items() if scores)
            lines.append(f"{'':>7}  {place / 'delivery'}: {told}")
    return "\n".join(lines)
