"""Transformer byte models: trained as a stock Hugging Face model, then quantised to exact integers.

The folder of the run gets, beside what every run writes, `model/` (the float parent) and `byte_model.safetensors`, which
`compress --model` and tokenizers take.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from accelerate import PartialState
from safetensors.torch import load_file
from transformers import PreTrainedModel

from laconic.bytelm.base import AbstractByteLM, CountFormat
from laconic.bytelm.quantize import quantize
from laconic.bytelm.registry import load_byte_lm, save_byte_lm
from laconic.bytelm.transformer import TransformerByteLM
from laconic.errors import CorruptFileError, MissingDataError, UsageError
from laconic.evaluation.byte_models import byte_model_bits
from laconic.evaluation.flops import flops_per_byte, training_flops
from laconic.model.byte_parent import build_byte_parent
from laconic.model.folder import save_model
from laconic.model.sizes import count_parameters
from laconic.recipes.ngram import BYTE_MODEL
from laconic.recipes.registry import Recipe, RunOptions
from laconic.recipes.rundir import MODEL, RECORD, begin_run, has_begun, held_out_curve, stopped
from laconic.recipes.settings import to_plain
from laconic.records.record import Record
from laconic.shapes import SYMBOLS
from laconic.text.corpora import open_corpus
from laconic.text.corpus import Corpus
from laconic.text.mixture import mix_corpora
from laconic.text.pipeline import ExampleStream, PipelineConfig
from laconic.text.wrapping import wrap_share
from laconic.tokens.byte import ByteTokenizer
from laconic.training.byte_modeling import ByteModeling
from laconic.training.data import EncodingSource, TokenStream
from laconic.training.loop import LoopConfig, Progress, shares, train
from laconic.training.objective import Batch
from laconic.training.optimizer import OptimizerConfig
from laconic.training.schedule import ScheduleConfig

_SHUFFLED_BYTES = 1 << 25


@runtime_checkable
class ByteText(Protocol):
    """What a configuration says of the text that a byte model learns from; each is as in `ByteLMConfig`."""

    @property
    def corpora(self) -> tuple[str, ...]:
        """Names or paths, each with its share."""
        ...

    @property
    def wrapped(self) -> float:
        """The share of documents that are read in lines."""
        ...

    @property
    def context(self) -> int:
        """Symbols in a segment."""
        ...

    @property
    def calibration_bytes(self) -> int:
        """How much text tells the range of keys and values."""
        ...

    @property
    def seed(self) -> int:
        """Of the order of the text."""
        ...


@dataclass(frozen=True, kw_only=True)
class ByteLMConfig:
    """A transformer byte model.

    Attributes:
        corpora: names or paths, each with its share of the bytes behind a colon, such as `wikipedia-en:0.9,stdlib:0.1`; train
            splits are trained on, and the first corpus is the one that is evaluated on.
        wrapped: the share of the first corpus's training documents that are read in lines of 60 to 80 bytes.
        size: a key of `laconic.model.sizes.SIZES`.
        band: how many symbols attention reaches, the present one included.
        context: symbols in a training segment; no less than `band`.
        short: the share of segments that are cut into pieces of 32 symbols, each from an empty context, as windows are.
        prior: the byte model whose logarithms are added to the logits, one that comes with laconic; or `none`.
        initial: a `.safetensors` file with the parent's weights to start from; none for fresh ones.
        valid_bytes: of the first corpus's valid split, for evaluations during the run.
        test_split: the split of the final measurement: `test`, or `valid` where the corpus has no other.
        test_bytes: bytes of it, on which both models are measured.
        calibration_bytes: of its train split, to find the range of keys and values.
        precision: bits of the counts in the final measurement.
        z_loss: weight of the squared log normaliser.
        seed: of the initial weights and the order of the text.
        loop: how to train.
    """

    corpora: tuple[str, ...] = ("stdlib:1",)
    wrapped: float = 0.0
    size: str = "1m"
    band: int = 256
    context: int = 512
    short: float = 0.125
    prior: str = "light"
    initial: str | None = None
    valid_bytes: int = 131_072
    test_split: str = "test"
    test_bytes: int = 1_000_000
    calibration_bytes: int = 65_536
    precision: int = 20
    z_loss: float = 1e-4
    seed: int = 0
    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(
            steps=500,
            batch=16,
            micro_batch=8,
            schedule=ScheduleConfig(peak=3e-3, warmup=50, floor=0.05),
            evaluate_every=250,
            checkpoint_every=250,
        )
    )

    def __post_init__(self) -> None:
        for name in ("band", "context", "valid_bytes", "test_bytes", "calibration_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least 1")
        if self.context % 32 or self.context < self.band:
            raise ValueError(f"context is {self.context}, but must be a multiple of 32, and no less than band, {self.band}")
        for name in ("short", "wrapped"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must lie between 0 and 1")
        CountFormat(precision=self.precision)
        for entry in self.corpora:
            read_share(entry)


def bytelm() -> Recipe:
    """A 1m byte model of the standard library on top of the shipped n-gram: some minutes on two cores."""
    return Recipe(name="bytelm", config=ByteLMConfig(), run=run_bytelm)


def bytelm_default() -> Recipe:
    """The run behind the shipped `default`: 3m on Wikipedia, code and a little of many languages, by Muon."""
    config = ByteLMConfig(
        corpora=("wikipedia-en:0.92", "stdlib:0.06", "multilingual:0.02"),
        wrapped=0.2,
        size="3m",
        band=128,
        valid_bytes=262_144,
        test_bytes=3_000_000,
        calibration_bytes=262_144,
        loop=LoopConfig(
            steps=5_200,
            batch=16,
            micro_batch=8,
            # Without decay the norms leave Muon free to let the residual stream grow until nothing new is learned.
            optimizer=OptimizerConfig(name="muon", weight_decay=0.1),
            schedule=ScheduleConfig(peak=4e-3, warmup=100, decay="linear", floor=0.01),
            # Text that the prior knows nothing of has gradients many times larger, which momentum would go on following.
            clip=0.2,
            evaluate_every=250,
            checkpoint_every=50,
        ),
    )
    return Recipe(name="bytelm-default", config=config, run=run_bytelm)


def bytelm_paper() -> Recipe:
    """M1 of Lester et al. 2024 (section 3.2): 3m on C4, context 1,024, 2,500,000 steps; 1.457 bits/byte there.

    Positions are rotary where the paper's are learned relative ones, keys and values have one head for its four.
    """
    config = ByteLMConfig(
        corpora=("c4-en:1",),
        size="3m",
        band=1024,
        context=1024,
        short=0.0,
        prior="none",
        test_split="valid",
        valid_bytes=1_000_000,
        test_bytes=10_000_000,
        calibration_bytes=1_000_000,
        loop=LoopConfig(
            steps=2_500_000,
            batch=128,
            optimizer=OptimizerConfig(name="adafactor"),
            schedule=ScheduleConfig(peak=0.01, warmup=10_000, decay="rsqrt"),
            clip=0.0,
            precision="bf16",
            log_every=100,
            evaluate_every=10_000,
            checkpoint_every=1_000,
        ),
    )
    return Recipe(name="bytelm-paper", config=config, run=run_bytelm)


def run_bytelm(name: str, config: ByteLMConfig, out: Path, options: RunOptions) -> Record:
    """Train, quantise and measure; everything is written into `out`.

    Raises:
        TrainingError: the run was interrupted (the checkpoint continues it), or went wrong.
        UsageError: a name that is not known, or a folder that holds another run.
        MissingDataError: a split is not at hand, or empty; found out before training.
    """
    record = Record.start(kind="byte-model", name=name, seed=config.seed, config={"recipe": name, **to_plain(config)})
    prior = None if config.prior == "none" else load_byte_lm(config.prior)
    corpora = open_corpora(config, options.data_root)
    first = read_share(config.corpora[0])[0]
    valid_BT = held_out_segments(first, "valid", config.valid_bytes, config.context, options.data_root)
    test_BT = held_out_segments(first, config.test_split, config.test_bytes, config.context, options.data_root)
    rank, world = shares(config.loop)
    if rank == 0:
        begin_run(out, name, config, resume=options.resume)
    PartialState().wait_for_everyone()
    model = build_byte_parent(config.size, band=config.band, seed=config.seed, quiet=prior is not None)
    if config.initial is not None:
        load_weights(model, Path(config.initial))
    objective = ByteModeling(prior=prior, short=config.short, z_loss=config.z_loss)

    def evaluate(module: torch.nn.Module) -> float:
        return segment_bits(module, prior, valid_BT)

    outcome = train(
        model,
        objective,
        stream_segments(mix_corpora(corpora), config, rank, world),
        config.loop,
        out,
        evaluate=evaluate,
        report=_tell(options.progress, config),
        seed=config.seed,
        resume=options.resume and has_begun(out),
    )
    if not outcome.finished:
        raise stopped(out, outcome.progress.step, config.loop.steps)
    if rank:
        return record
    save_model(model, out / MODEL)
    byte_model = to_byte_model(model, prior, corpora[first][0], config)
    save_byte_lm(byte_model, out / BYTE_MODEL)
    results = {
        **compare(model, byte_model, prior, test_BT, config.precision),
        "description": byte_model.description,
        "fingerprint": f"{byte_model.fingerprint:016x}",
        "file_bytes": (out / BYTE_MODEL).stat().st_size,
        "parameters": count_parameters(model).total,
        "flops_per_byte": flops_per_byte(model, vocab_size=SYMBOLS, bytes_per_token=1.0, context=config.band).paper,
        "training_bytes": outcome.progress.bytes,
        "training_steps": outcome.progress.step,
        "precision": outcome.precision,
        "held_out_curve": held_out_curve(out),
        "notes": [f"Segments of {config.context} symbols, each from an empty context; ends of documents are charged for."],
    }
    cost = {"flops": training_flops(model, outcome.progress.tokens), "training_seconds": outcome.progress.seconds}
    finished = record.finish(results=results, cost=cost)
    finished.save(out / RECORD)
    return finished


def open_corpora(config: ByteText, data_root: Path | None) -> dict[str, tuple[Corpus, float]]:
    """The train splits that a configuration names, with their shares."""
    named = dict(read_share(entry) for entry in config.corpora)
    corpora = {name: (open_corpus(name, "train", data_root=data_root), share) for name, share in named.items()}
    first, (corpus, share) = next(iter(corpora.items()))
    return corpora | {first: (wrap_share(corpus, config.wrapped), share)}


def held_out_segments(corpus: str, split: str, limit: int, context: int, data_root: Path | None) -> np.ndarray:
    """The beginning of a split as segments of symbols, int64, of shape (N, context); the last one is padded.

    Raises:
        MissingDataError: the split holds no text.
    """
    stream = ExampleStream(open_corpus(corpus, split, data_root=data_root), PipelineConfig(seed=None, take_bytes=limit))
    symbols_N = np.concatenate([np.zeros(0, np.uint16), *stream]).astype(np.int64)
    if not symbols_N.size:
        raise MissingDataError(f"the split {split!r} of {corpus} holds no text: choose another corpus")
    padded_N = np.pad(symbols_N, (0, -len(symbols_N) % context), constant_values=SYMBOLS)
    return padded_N.reshape(-1, context)


def segment_bits(module: torch.nn.Module, prior: AbstractByteLM | None, tokens_NT: np.ndarray, rows: int = 16) -> float:
    """Bits per byte of the float model on segments, each from an empty context."""
    objective, nats, size = ByteModeling(prior=prior), 0.0, int((tokens_NT < 256).sum())
    device = next(module.parameters()).device
    with torch.no_grad():
        for at in range(0, len(tokens_NT), rows):
            tokens_BT = torch.from_numpy(tokens_NT[at : at + rows]).to(device)
            count = int((tokens_BT < SYMBOLS).sum())
            batch = Batch(tokens_BT=tokens_BT, pad_id=SYMBOLS, count=count, bytes=count)
            nats += float(objective.loss(module, batch).statistics["nll"]) * count
    return nats / math.log(2) / size


def to_byte_model(model: PreTrainedModel, prior: AbstractByteLM | None, corpus: Corpus, config: ByteText) -> TransformerByteLM:
    """The exact integer model of a trained parent; its keys and values are ranged on training text."""
    stream = ExampleStream(
        corpus, PipelineConfig(example_symbols=config.context, seed=None, take_bytes=config.calibration_bytes)
    )
    texts = [text for text in stream if len(text) == config.context]
    names = " and ".join(read_share(entry)[0] for entry in config.corpora)
    file = quantize(model, np.stack(texts), prior=prior, trained_on=f"{names} (train splits)")
    return TransformerByteLM(file, prior)


def compare(
    model: PreTrainedModel | None,
    byte_model: AbstractByteLM,
    prior: AbstractByteLM | None,
    tokens_NT: np.ndarray,
    precision: int,
) -> dict[str, float]:
    """Bits per byte of the integer model, and of its float parent if that is at hand, on the same segments."""
    texts = [row[row < SYMBOLS].astype(np.uint16) for row in tokens_NT]
    exact = byte_model_bits(byte_model, texts, CountFormat(precision=precision, eos=True))
    if model is None:
        return {"bits_per_byte": exact}
    parent = segment_bits(model, prior, tokens_NT)
    return {"bits_per_byte": exact, "float_bits_per_byte": parent, "quantization_cost": exact / parent - 1}


def stream_segments(corpus: Corpus, config: ByteText, rank: int, world: int) -> TokenStream:
    """Segments of `config.context` symbols, shuffled; process `rank` of `world` gets its share."""
    # Segments are shuffled one by one, so that those of one document do not meet in one update.
    pipeline = PipelineConfig(
        example_symbols=config.context,
        shuffle_block=max(1, _SHUFFLED_BYTES // config.context),
        seed=config.seed,
        epochs=None,
        rank=rank,
        world=world,
    )
    tokenizer = ByteTokenizer()
    source = EncodingSource(ExampleStream(corpus, pipeline), tokenizer, chunk=64)
    return TokenStream(source, length=config.context, pad_id=tokenizer.pad_id)


def load_weights(model: PreTrainedModel, path: Path) -> None:
    """Give a parent the weights of a `.safetensors` file.

    Raises:
        CorruptFileError: the file does not hold them.
    """
    try:
        model.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
    except (OSError, RuntimeError, ValueError) as error:
        raise CorruptFileError(
            f"{path} does not hold the weights of this model ({type(error).__name__}): check size"
        ) from error


def read_share(entry: str) -> tuple[str, float]:
    """A corpus and its share, from `name:share`.

    Raises:
        UsageError: no share, or none above 0.
    """
    name, colon, share = entry.rpartition(":")
    try:
        value = float(share) if colon else math.nan
    except ValueError:
        value = math.nan
    if not name or not value > 0:
        raise UsageError(f"the corpus {entry!r} has no share: write it as name:share, such as wikipedia-en:0.9")
    return name, value


def _tell(progress: Callable[[int, int | None, str], None] | None, config: ByteLMConfig) -> Callable[[Progress], None] | None:
    if progress is None:
        return None
    total = config.loop.steps * config.loop.batch * config.context

    def report(state: Progress) -> None:
        bits = state.loss / math.log(2)
        progress(state.bytes, total, f"step {state.step:,}/{config.loop.steps:,}, {bits:.3f} bits/byte")

    return report
