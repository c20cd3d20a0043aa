"""Language models on the tokens of any tokenizer, trained and measured on the same bytes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from transformers import PreTrainedModel

from laconic.errors import UsageError
from laconic.evaluation.bits import Bits, tokens_bits
from laconic.evaluation.flops import flops_per_byte, training_flops
from laconic.evaluation.memory import MemoryConfig, memory_bits
from laconic.evaluation.recurrence import recurrent_bits
from laconic.evaluation.trivial import uniform_bits_per_byte
from laconic.memory.keys import KeyTap
from laconic.memory.objective import Trime, TrimeConfig
from laconic.memory.recurrence import Recurrent
from laconic.model.folder import load_model, save_model
from laconic.model.sizes import build_model, count_parameters, find_size
from laconic.recipes.lm_data import STREAM, held_out_tokens, training_data
from laconic.recipes.registry import Recipe, RunOptions
from laconic.recipes.rundir import MODEL, RECORD, TOKENIZER, begin_run, has_begun, held_out_curve, read_log, stopped
from laconic.recipes.settings import to_plain
from laconic.recipes.tokenizer import make_tokenizer
from laconic.records.record import Record
from laconic.text.corpora import open_corpus
from laconic.tokens.base import AbstractTokenizer
from laconic.tokens.registry import load_tokenizer, save_tokenizer
from laconic.training.data import PACKINGS
from laconic.training.dropout import add_dropout
from laconic.training.language_modeling import LanguageModeling
from laconic.training.loop import LoopConfig, Outcome, Progress, shares, train
from laconic.training.objective import AbstractObjective, Batch
from laconic.training.segments import ORDERS

OBJECTIVES = ("lm", "trime", "recurrence")


@dataclass(frozen=True, kw_only=True)
class LMConfig:
    """A language model on tokens.

    Attributes:
        corpus: name or path, as `laconic.text.corpora.open_corpus` takes it; train, valid and test splits are used.
        tokenizer: a name such as `bytes`, `sentencepiece[4096]` or `equal-info[16,256]`, or a folder.
        tokenizer_bytes: text that a tokenizer learns from, at most.
        size: a key of `laconic.model.sizes.SIZES`.
        context: tokens in a segment.
        order: `stream`: of segments cut from 10,240-symbol examples as they come, whatever documents they are of. Otherwise
            documents are tokenized whole and held in memory (8 bytes for each token), and segments come `random`,
            `consecutive`, `parallel` or `similar` (`laconic.training.segments`), for `loop.steps` steps; `train_bytes` then
            only limits what is read.
        run: rows of a batch that follow each other, with `consecutive`; 0 for all of them.
        objective: `lm`; `trime`: with the batch as memory; or `recurrence`: each segment attends to the one before it
            (Transformer-XL), which asks for parallel segments.
        trime: what that memory is; `long` asks for consecutive segments.
        dropout: share of the numbers dropped in the token vectors, and in what each part of each layer adds.
        cutoffs: ids at which bands of the vocabulary begin, for adaptive input and output (`laconic.model.adaptive`), as the
            tokenizer `words` sorts its ids; none for one table.
        factor: how much narrower the vectors of each band are than those of the band before.
        initial: a folder with a Hugging Face model to go on from; none for fresh weights.
        packing: `pack` uses every token; `trim` only the first `context` of each 10,240-symbol example, as the paper does.
        train_bytes: bytes of text to train on; the number of steps follows from it, and the tokens are held in memory
            (4 bytes each). None: `loop.steps` steps, read as a stream.
        valid_bytes: bytes of the valid split for evaluations during the run.
        test_split: the split of the final measurement: `test`, or `valid` where the corpus has no other.
        test_bytes: bytes of it.
        stride: new tokens that each segment charges when measuring; None for `context`: no overlap.
        z_loss: weight of the squared log normaliser, with `lm`.
        seed: of the initial weights, the order of the text and dropout.
        loop: how to train.
    """

    corpus: str = "stdlib"
    tokenizer: str = "bytes"
    tokenizer_bytes: int = 20_000_000
    size: str = "1m"
    context: int = 256
    order: str = STREAM
    run: int = 0
    objective: str = "lm"
    trime: TrimeConfig = field(default_factory=TrimeConfig)
    dropout: float = 0.0
    cutoffs: tuple[int, ...] = ()
    factor: int = 4
    initial: str | None = None
    packing: str = "pack"
    train_bytes: int | None = 5_000_000
    valid_bytes: int = 100_000
    test_split: str = "test"
    test_bytes: int = 1_000_000
    stride: int | None = None
    z_loss: float = 1e-4
    seed: int = 0
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=1000, evaluate_every=500, checkpoint_every=500))

    def __post_init__(self) -> None:
        for name in ("tokenizer_bytes", "context", "valid_bytes", "test_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least 1")
        if self.train_bytes is not None and self.train_bytes < 1:
            raise ValueError(f"train_bytes is {self.train_bytes}, but must be at least 1, or none")
        self._require_ranges()
        if self.run < 0 or (self.run and (self.order != "consecutive" or self.loop.batch % self.run)):
            raise ValueError(
                f"run is {self.run}, but must divide the {self.loop.batch} rows of a batch in consecutive order, or be 0"
            )
        if self.order not in (STREAM, *ORDERS):
            raise ValueError(f"order is {self.order!r}, but must be one of {', '.join((STREAM, *ORDERS))}")
        if self.objective not in OBJECTIVES:
            raise ValueError(f"objective is {self.objective!r}, but must be one of {', '.join(OBJECTIVES)}")
        if self.objective == "trime" and self.trime.reach == "long" and self.order != "consecutive":
            raise ValueError(
                f"order is {self.order!r}, but a long memory needs rows that follow each other: set it to consecutive"
            )
        if self.objective == "recurrence" and self.order != "parallel":
            raise ValueError(
                f"order is {self.order!r}, but recurrence needs rows that go on from batch to batch: set it to parallel"
            )

    @property
    def reading_stride(self) -> int:
        """New tokens that each segment charges when measuring."""
        return self.context if self.stride is None else self.stride

    def _require_ranges(self) -> None:
        if self.stride is not None and not 1 <= self.stride <= self.context:
            raise ValueError(f"stride is {self.stride}, but must lie between 1 and the context, {self.context}")
        if self.packing not in PACKINGS:
            raise ValueError(f"packing is {self.packing!r}, but must be one of {', '.join(PACKINGS)}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}, but must be at least 0 and below 1")
        if not 0 <= self.z_loss < math.inf:
            raise ValueError(f"z_loss is {self.z_loss}, but must be a number from 0 on")
        if not 0 <= self.seed < 1 << 63:
            raise ValueError(f"seed is {self.seed}, but must be at least 0 and below 2**63")


def load_finished(run: Path) -> tuple[PreTrainedModel, AbstractTokenizer]:
    """The model of a finished run in evaluation mode, and its tokenizer.

    Raises:
        UsageError: it was not trained to its end.
    """
    if not (run / MODEL).is_dir():
        raise UsageError(f"the run in {run} has not come to its end: continue it with laconic train --resume")
    model, tokenizer = load_model(run / MODEL), load_tokenizer(run / TOKENIZER)
    model.train(False)
    return model, tokenizer


def lm_cpu() -> Recipe:
    """A 1m model on bytes of the standard library, about a quarter of an hour on two cores."""
    return Recipe(name="lm-cpu", config=LMConfig(), run=run_lm)


def run_lm(name: str, config: LMConfig, out: Path, options: RunOptions) -> Record:
    """Train and measure a language model; everything is written into `out` (see `laconic.recipes.rundir`).

    Raises:
        TrainingError: the run was interrupted (the checkpoint continues it), or went wrong.
        UsageError: a name that is not known, or a folder that holds another run.
        MissingDataError: a split is not at hand, or empty; found out before training.
    """
    find_size(config.size)
    record = Record.start(kind="language-model", name=name, seed=config.seed, config={"recipe": name, **to_plain(config)})
    for split in ("train", "valid", config.test_split):  # A split that is missing is to be missed before anything is trained.
        open_corpus(config.corpus, split, data_root=options.data_root)
    rank, world = shares(config.loop)
    if rank == 0:
        begin_run(out, name, config, resume=options.resume)
        _prepare_tokenizer(config, out, options)
    PartialState().wait_for_everyone()
    tokenizer = load_tokenizer(out / TOKENIZER)
    data, loop = training_data(config, tokenizer, options, rank, world)
    model = new_model(config, tokenizer)
    add_dropout(model, config.dropout)
    valid_N, valid_size = held_out_tokens(config, tokenizer, "valid", config.valid_bytes, options.data_root)
    test_N, test_size = held_out_tokens(config, tokenizer, config.test_split, config.test_bytes, options.data_root)

    def evaluate(module: torch.nn.Module) -> float:
        return measure(replace(config, stride=None), model, tokenizer, valid_N, valid_size, memory_of(config)).bits_per_byte

    outcome = train(
        model,
        _objective(config, model, tokenizer),
        data,
        loop,
        out,
        evaluate=evaluate,
        report=_tell(options.progress, loop.steps, config.train_bytes if config.order == STREAM else None),
        seed=config.seed,
        resume=options.resume and has_begun(out),
    )
    if not outcome.finished:
        raise stopped(out, outcome.progress.step, loop.steps)
    if rank:
        return record
    save_model(model, out / MODEL)
    bits = measure(config, model, tokenizer, test_N, test_size, memory_of(config))
    finished = finish_record(record, config, tokenizer, model, outcome, bits, out)
    finished.save(out / RECORD)
    return finished


def new_model(config: LMConfig, tokenizer: AbstractTokenizer) -> PreTrainedModel:
    """The model that a run begins with: it has one row more than the tokenizer has ids, the start symbol's.

    Raises:
        UsageError: the model to go on from has other ids, or too few positions.
    """
    if config.initial is not None:
        return _go_on_from(Path(config.initial), tokenizer, config.context)
    shape: dict[str, Any] = {"cutoffs": config.cutoffs, "factor": config.factor}
    return build_model(config.size, vocab_size=tokenizer.vocab_size + 1, context=config.context, seed=config.seed, **shape)


def _go_on_from(folder: Path, tokenizer: AbstractTokenizer, context: int) -> PreTrainedModel:
    model, rows = load_model(folder), tokenizer.vocab_size + 1
    if model.config.vocab_size < rows:
        raise UsageError(
            f"the model in {folder} has {model.config.vocab_size} ids, but {tokenizer.name} and the start symbol need {rows}: "
            "choose the tokenizer that it was trained with"
        )
    positions = getattr(model.config, "max_position_embeddings", None)
    if positions is not None and context > positions:
        raise UsageError(
            f"the model in {folder} has {positions} positions, fewer than a segment of {context}: set context lower"
        )
    return model


def _objective(config: LMConfig, model: PreTrainedModel, tokenizer: AbstractTokenizer) -> AbstractObjective[Batch]:
    if config.objective == "trime":
        return Trime(KeyTap(model), vocab_size=tokenizer.vocab_size, config=config.trime)
    if config.objective == "recurrence":
        return Recurrent(model, vocab_size=tokenizer.vocab_size)
    return LanguageModeling(vocab_size=tokenizer.vocab_size, z_loss=config.z_loss)


def memory_of(config: LMConfig) -> MemoryConfig:
    """What a model is read with unless something else is asked for: as it was trained."""
    if config.objective == "recurrence":
        return MemoryConfig(read="recurrence")
    return MemoryConfig(read="local", temperature=config.trime.temperature) if config.objective == "trime" else MemoryConfig()


def measure(
    config: LMConfig,
    model: PreTrainedModel,
    tokenizer: AbstractTokenizer,
    tokens_N: np.ndarray,
    size: int,
    memory: MemoryConfig,
    progress: Callable[[int], None] | None = None,
) -> Bits:
    """Bits per byte of a trained model on held-out tokens."""
    shape: dict[str, Any] = {"vocab_size": tokenizer.vocab_size, "context": config.context, "progress": progress}
    if memory.read == "recurrence":
        return recurrent_bits(model, tokens_N, size, **shape)
    if memory.read == "none":
        return tokens_bits(model, tokens_N, size, stride=config.stride, **shape)
    return memory_bits(model, tokens_N, size, memory, stride=config.reading_stride, **shape)


def measured_results(model: PreTrainedModel, tokenizer: AbstractTokenizer, bits: Bits, *, context: int) -> dict[str, Any]:
    """What a measurement says of a model, in the words of the report: bits, compression, FLOPs per byte, parameters."""
    flops = flops_per_byte(model, vocab_size=tokenizer.vocab_size, bytes_per_token=bits.bytes_per_token, context=context)
    count = count_parameters(model)
    return {
        "tokenizer": tokenizer.name,
        **bits.to_dict(),
        "bytes_per_step": bits.bytes_per_token,
        "uniform_bits_per_byte": uniform_bits_per_byte(tokenizer.vocab_size, bits.bytes_per_token),
        "flops_per_byte": flops.paper,
        "flops_per_byte_full": flops.full,
        "parameters": count.total,
        "parameters_without_embeddings": count.body,
        "held_out_bytes": bits.bytes,
    }


def finish_record(
    record: Record,
    config: LMConfig,
    tokenizer: AbstractTokenizer,
    model: PreTrainedModel,
    outcome: Outcome,
    bits: Bits,
    out: Path,
    notes: Sequence[str] = (),
) -> Record:
    """The record of a finished run, in the words of the report."""
    progress = outcome.progress
    results = {
        **measured_results(model, tokenizer, bits, context=config.context),
        "training_bytes": progress.bytes,
        "training_tokens": progress.tokens,
        "training_steps": progress.step,
        "precision": outcome.precision,
        "curve": _training_curve(out),
        "held_out_curve": held_out_curve(out),
        "notes": [*_notes(tokenizer), *notes],
    }
    cost = {"flops": training_flops(model, progress.tokens), "training_seconds": progress.seconds}
    return record.finish(results=results, cost=cost)


def _prepare_tokenizer(config: LMConfig, out: Path, options: RunOptions) -> None:
    if options.resume and (out / TOKENIZER).is_dir():
        return
    corpus = open_corpus(config.corpus, "train", data_root=options.data_root)
    tokenizer = make_tokenizer(config.tokenizer, corpus.documents(), limit=config.tokenizer_bytes)
    (out / TOKENIZER).mkdir(exist_ok=True)
    save_tokenizer(tokenizer, out / TOKENIZER)


def _tell(
    progress: Callable[[int, int | None, str], None] | None, steps: int, train_bytes: int | None
) -> Callable[[Progress], None] | None:
    if progress is None:
        return None

    def report(state: Progress) -> None:
        bits = state.loss / math.log(2) * state.tokens / max(state.bytes, 1)
        total = train_bytes or state.bytes * steps // state.step
        progress(state.bytes, total, f"step {state.step:,}/{steps:,}, {bits:.3f} bits/byte")

    return report


def _training_curve(out: Path) -> list[dict[str, float]]:
    return [
        {
            "bytes": line["bytes"],
            "seconds": line["seconds"],
            "bits_per_byte": line["nll"] / math.log(2) * line["tokens"] / max(line["bytes"], 1),
        }
        for line in read_log(out)
    ]


def _notes(tokenizer: AbstractTokenizer) -> list[str]:
    settings = tokenizer.settings()
    if "byte_model_description" not in settings:
        return []
    described = settings["byte_model_description"]
    return [f"{tokenizer.name} encodes with a byte model that looks up counts ({described}): it is counted as 0 FLOPs."]
