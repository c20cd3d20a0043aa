"""The main job, once, on real text: compress, tokenize, train, measure, report. Within eight minutes on two cores."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from laconic.errors import CorruptFileError, LaconicError, MissingDataError, UsageError
from laconic.recipes.codecs import find_codecs, try_codec
from laconic.recipes.lm import LMConfig
from laconic.recipes.rundir import CONFIG, TOKENIZER, read_config
from laconic.recipes.settings import to_plain
from laconic.recipes.tokenizer import make_tokenizer
from laconic.recipes.tokenviews import try_tokenizer
from laconic.recipes.worker import Order, run_side_by_side
from laconic.records.record import Record
from laconic.report.figures import require_matplotlib
from laconic.report.page import write_report
from laconic.text.corpora import open_corpus
from laconic.text.corpus import take_bytes
from laconic.text.pipeline import ExampleStream, PipelineConfig
from laconic.tokens.base import AbstractTokenizer
from laconic.tokens.registry import save_tokenizer
from laconic.training.loop import LoopConfig
from laconic.training.optimizer import OptimizerConfig
from laconic.training.schedule import ScheduleConfig

Tell = Callable[[str, int, int | None, str], None]
"""Told of progress: the stage, bytes done, bytes in all or None, and a few words."""

REPORT, COMPRESSION, TOKENIZERS, LEAST_BYTES = "report.html", "compression.json", "tokenizers.json", 100_000


@dataclass(frozen=True, kw_only=True)
class QuickstartConfig:
    """How much of everything.

    Attributes:
        file_bytes: held-out text that is compressed, at most.
        tokenizer_bytes: training text that SentencePiece and the static coder learn from, at most.
        tokenizers: those compared; each gets a language model.
        model: the language models' configuration; corpus and tokenizer are filled in.
    """

    file_bytes: int = 1_000_000
    tokenizer_bytes: int = 2_000_000
    tokenizers: tuple[str, ...] = ("bytes", "sentencepiece[4096]", "equal-info[16,256]")
    model: LMConfig = field(
        default_factory=lambda: LMConfig(
            size="500k",
            context=256,
            train_bytes=1_500_000,
            valid_bytes=20_000,
            test_bytes=100_000,
            z_loss=0.0,
            loop=LoopConfig(
                steps=1,
                batch=4,
                optimizer=OptimizerConfig(weight_decay=0.1),
                schedule=ScheduleConfig(peak=3e-3, warmup=50, floor=0.05),
                log_every=10,
                evaluate_every=150,
                device="cpu",
            ),
        )
    )


def run_quickstart(
    text: Path | None, out: Path, progress: Tell | None = None, config: QuickstartConfig | None = None
) -> list[Record]:
    """Compress a held-out file with every codec, tokenize it, train a small language model on each tokenizer, and report.

    Args:
        text: a file or folder; the standard library's sources if None.
        out: gets `report.html`, the records, and the folder of each run; what an earlier quickstart left there is replaced.
        progress: told how far it is.
        config: how much of everything; the defaults if None.

    Returns:
        The records: compression, tokenizers, and one for each language model.

    Raises:
        MissingExtraError: matplotlib is not installed.
        MissingDataError: the text is not there, or too little.
        UsageError: a file or folder of that name is there, and not from an earlier quickstart.
        CorruptFileError: a codec or a tokenizer did not give back what it was given.
    """
    config, tell = config or QuickstartConfig(), progress or (lambda stage, done, total, words: None)
    source = "stdlib" if text is None else str(text)
    require_matplotlib()
    _require_text(source)
    _require_own_folders(config, out)
    out.mkdir(parents=True, exist_ok=True)
    records = [_compress(source, config, out, tell), _tokenize(source, config, out, tell)]
    records += _train(source, config, out, tell)
    tell("writing the report", 0, None, "")
    write_report(records, out / REPORT, title="laconic quickstart")
    return records


def _compress(source: str, config: QuickstartConfig, out: Path, tell: Tell) -> Record:
    record = Record.start(kind="compression", name="quickstart", config={"source": source, "file_bytes": config.file_bytes})
    data = b"".join(take_bytes(open_corpus(source, "test").documents(), config.file_bytes))
    rows: list[dict[str, Any]] = []
    codecs = find_codecs(_training_text(source, config))
    for number, codec in enumerate(codecs):
        tell("compressing", number * len(data), len(codecs) * len(data), codec.name)
        rows.append(try_codec(codec, data))
    _require_round_trips(rows)
    named = "file of held-out text from " + ("Python's standard library" if source == "stdlib" else Path(source).name)
    return _saved(record, {"file": named, "bytes": len(data), "codecs": rows}, out / COMPRESSION)


def _tokenize(source: str, config: QuickstartConfig, out: Path, tell: Tell) -> Record:
    record = Record.start(kind="tokenizers", name="quickstart", config={"source": source, **to_plain(config)})
    test = PipelineConfig(seed=None, take_bytes=config.model.test_bytes)
    texts = list(ExampleStream(open_corpus(source, "test"), test))
    rows: list[dict[str, Any]] = []
    for number, name in enumerate(config.tokenizers):
        tell("tokenizing", number, len(config.tokenizers), name)
        tokenizer = make_tokenizer(name, _training_text(source, config), limit=config.tokenizer_bytes)
        _keep(tokenizer, _tokenizer_folder(name, out))
        rows.append(try_tokenizer(tokenizer, texts))
    _require_round_trips(rows)
    size = sum(int(np.count_nonzero(text < 256)) for text in texts)
    notes = [too_many_types(config.model.train_bytes or 0, rows)]
    return _saved(record, {"file": source, "bytes": size, "tokenizers": rows, "notes": notes}, out / TOKENIZERS)


def _train(source: str, config: QuickstartConfig, out: Path, tell: Tell) -> list[Record]:
    orders = []
    for name in config.tokenizers:
        folder = _run_folder(name, out)
        shutil.rmtree(folder, ignore_errors=True)
        model = replace(config.model, corpus=source, tokenizer=str(_tokenizer_folder(name, out)))
        orders.append(Order(name=f"quickstart {name}", config=model, out=folder))
    done, words = dict.fromkeys(range(len(orders)), 0), dict[int, str]()

    def combine(number: int, size: int, said: str) -> None:
        done[number], words[number] = size, said
        said_of_all = "; ".join(f"{config.tokenizers[one]}: {words[one]}" for one in sorted(words))
        tell("training", sum(done.values()), len(orders) * (config.model.train_bytes or 0) or None, said_of_all)

    tell("training", 0, None, "")
    records = run_side_by_side(orders, combine)
    for name in config.tokenizers:
        shutil.rmtree(_tokenizer_folder(name, out))
    return records


def too_many_types(train_bytes: int, rows: Sequence[dict[str, Any]]) -> str:
    """Why the Equal-Info tokens here are of 8 bits, as a sentence with this text's numbers."""
    windows = next((row["bytes_per_token"] * 2 for row in rows if row["name"].startswith("equal-info[16,256]")), 5.0)
    tokens = train_bytes / windows
    return (
        f"Equal-Info tokens of 16 bits, the paper's best, have 65,536 types: {train_bytes:,} bytes of training text are about "
        f"{tokens:,.0f} such tokens, {tokens / 65_536:.1f} for each type, which is too little to learn them. "
        "So the tokens here have 8 bits, two for each window; laconic train takes equal-info[16,65536]."
    )


def _training_text(source: str, config: QuickstartConfig) -> Any:
    return take_bytes(open_corpus(source, "train").documents(), config.tokenizer_bytes)


def _require_text(source: str) -> None:
    size = sum(len(document) for document in take_bytes(open_corpus(source, "train").documents(), LEAST_BYTES))
    if size < LEAST_BYTES:
        raise MissingDataError(
            f"{source} has only {size:,} bytes to train on: give at least {LEAST_BYTES:,}, "
            "or leave out --text for the embedded text"
        )
    for split in ("valid", "test"):
        if not any(open_corpus(source, split).documents()):
            raise MissingDataError(
                f"{source} has no text in its split {split!r}, which is held out: give text of more lines or files, "
                "or leave out --text for the embedded text"
            )


def _require_own_folders(config: QuickstartConfig, out: Path) -> None:
    """Only what an earlier quickstart wrote may be replaced."""
    began = _is_ours(out / COMPRESSION)  # The first that a quickstart writes.
    found = {out / COMPRESSION: began, out / TOKENIZERS: _is_ours(out / TOKENIZERS), out / REPORT: began}
    for name in config.tokenizers:
        folder = _run_folder(name, out)
        found[folder] = (folder / CONFIG).is_file() and str(read_config(folder)["recipe"]).startswith("quickstart")
        found[_tokenizer_folder(name, out)] = began
    for path, ours in found.items():
        if path.exists() and not ours:
            raise UsageError(f"{path} is not from an earlier quickstart: choose another folder with --out")


def _is_ours(path: Path) -> bool:
    try:
        record = Record.load(path)
    except LaconicError:
        return False
    return (record.kind, record.name) == (path.stem, "quickstart")


def _require_round_trips(rows: Sequence[dict[str, Any]]) -> None:
    wrong = [row["name"] for row in rows if not row["verified"]]
    if wrong:
        raise CorruptFileError(f"{', '.join(wrong)} did not give back the text it was given: please report this with the text")


def _run_folder(name: str, out: Path) -> Path:
    return out / "".join(letter if letter.isalnum() or letter == "-" else "-" for letter in name).strip("-")


def _tokenizer_folder(name: str, out: Path) -> Path:
    return _run_folder(name, out).with_suffix(f".{TOKENIZER}")


def _keep(tokenizer: AbstractTokenizer, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_tokenizer(tokenizer, folder)


def _saved(record: Record, results: dict[str, Any], path: Path) -> Record:
    finished = record.finish(results=results)
    finished.save(path)
    return finished
