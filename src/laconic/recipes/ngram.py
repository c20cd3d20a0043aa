"""An n-gram byte model: what `laconic compress` and Equal-Info windows predict with."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from laconic.bytelm.base import CountFormat
from laconic.bytelm.registry import save_byte_lm
from laconic.bytelm.train_ngram import NGramConfig, train_ngram
from laconic.evaluation.byte_models import byte_model_bits
from laconic.recipes.registry import Recipe, RunOptions
from laconic.recipes.rundir import RECORD, begin_run
from laconic.recipes.settings import to_plain
from laconic.records.record import Record
from laconic.text.corpora import open_corpus
from laconic.text.corpus import take_bytes
from laconic.text.pipeline import ExampleStream, PipelineConfig

BYTE_MODEL = "byte_model.safetensors"


@dataclass(frozen=True, kw_only=True)
class NGramRunConfig:
    """An n-gram byte model trained on some corpora.

    Attributes:
        corpora: names or paths, read in this order; their train splits are used.
        train_bytes: text of each to read, at most.
        test_bytes: bytes of the first corpus's test split to measure on.
        precision: bits of the counts in that measurement, 12 to 24.
        model: order and size.
    """

    corpora: tuple[str, ...] = ("stdlib",)
    train_bytes: int = 50_000_000
    test_bytes: int = 1_000_000
    precision: int = 20
    model: NGramConfig = field(default_factory=NGramConfig)

    def __post_init__(self) -> None:
        if not self.corpora:
            raise ValueError("corpora is empty, but must name at least one")
        for name in ("train_bytes", "test_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least 1")
        if not 12 <= self.precision <= 24:
            raise ValueError(f"precision is {self.precision}, but must lie between 12 and 24")


def ngram() -> Recipe:
    """An n-gram model of the standard library, in a few minutes."""
    return Recipe(name="ngram", config=NGramRunConfig(), run=run_ngram)


def run_ngram(name: str, config: NGramRunConfig, out: Path, options: RunOptions) -> Record:
    """Train an n-gram byte model and measure it; `out` gets `byte_model.safetensors` and the record.

    There are no checkpoints: to resume is to start again.
    """
    record = Record.start(kind="byte-model", name=name, config={"recipe": name, **to_plain(config)})
    begin_run(out, name, config, resume=options.resume)
    model = train_ngram(_documents(config, options), config.model, trained_on=", ".join(config.corpora))
    save_byte_lm(model, out / BYTE_MODEL)
    held_out = open_corpus(config.corpora[0], "test", data_root=options.data_root)
    texts = list(ExampleStream(held_out, PipelineConfig(seed=None, take_bytes=config.test_bytes)))
    bits = byte_model_bits(model, texts, CountFormat(precision=config.precision, eos=True))
    results = {
        "description": model.description,
        "fingerprint": f"{model.fingerprint:016x}",
        "file_bytes": (out / BYTE_MODEL).stat().st_size,
        "bits_per_byte": bits,
        "held_out_bytes": sum(int((text < 256).sum()) for text in texts),
        "notes": ["Each 10,240-symbol example starts from an empty context. Counts are looked up: 0 FLOPs of a network."],
    }
    finished = record.finish(results=results, cost={"flops": 0})
    finished.save(out / RECORD)
    return finished


def _documents(config: NGramRunConfig, options: RunOptions) -> Iterator[tuple[bytes, int]]:
    total, done = config.train_bytes * len(config.corpora), 0
    for corpus in config.corpora:
        for document in take_bytes(open_corpus(corpus, "train", data_root=options.data_root).documents(), config.train_bytes):
            done += len(document)
            if options.progress:
                options.progress(done, total, f"counting {corpus}")
            yield document, 1
