"""The byte models that come with laconic, each as the run that made its file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from laconic.bytelm.base import CountFormat
from laconic.bytelm.registry import save_byte_lm
from laconic.bytelm.train_ngram import NGramConfig, train_ngram
from laconic.evaluation.byte_models import byte_model_bits
from laconic.recipes.ngram import BYTE_MODEL
from laconic.recipes.registry import Recipe, RunOptions
from laconic.recipes.rundir import RECORD, begin_run
from laconic.recipes.settings import to_plain
from laconic.records.record import Record
from laconic.text.corpora import open_corpus
from laconic.text.wrapping import wrap_lines

_WIDTHS = 60, 67, 74


@dataclass(frozen=True, kw_only=True)
class ShippedNGramConfig:
    """An n-gram model of prose and code, with some of the prose broken into lines.

    Attributes:
        prose: the corpus of prose; its articles have one line for each paragraph.
        code: the corpus of code.
        code_weight: how many times each n-gram of the code counts.
        wrapped_every: one in so many articles is read once more with lines of 60 to 74 bytes and blank lines between
            paragraphs, as in mail and books.
        returns_every: the same, with lines that end with carriage return and line feed.
        precision: bits of the counts with which the model is measured on both test splits.
        model: order, size and fit.
    """

    prose: str = "wikipedia-en"
    code: str = "stdlib"
    code_weight: int = 2
    wrapped_every: int = 8
    returns_every: int = 16
    precision: int = 20
    model: NGramConfig = field(default_factory=lambda: NGramConfig(max_bytes=3_100_000, leave_out=8.0))

    def __post_init__(self) -> None:
        for name in ("code_weight", "wrapped_every", "returns_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least 1")


def ngram_6() -> Recipe:
    """The shipped model `ngram-6`: the file that this run writes is the file in the package."""
    return Recipe(name="ngram-6", config=ShippedNGramConfig(), run=run_shipped_ngram)


def run_shipped_ngram(name: str, config: ShippedNGramConfig, out: Path, options: RunOptions) -> Record:
    """Train a model to ship and measure it; `out` gets `byte_model.safetensors` and the record.

    There are no checkpoints: to resume is to start again.
    """
    record = Record.start(kind="byte-model", name=name, config={"recipe": name, **to_plain(config)})
    begin_run(out, name, config, resume=options.resume)
    trained_on = f"{config.prose} and {config.code} (train splits)"
    model = train_ngram(_documents(config, options), config.model, trained_on=trained_on)
    save_byte_lm(model, out / BYTE_MODEL)
    results = {
        "description": model.description,
        "fingerprint": f"{model.fingerprint:016x}",
        "file_bytes": (out / BYTE_MODEL).stat().st_size,
        "notes": ["Each document of the test splits starts from an empty context."],
    }
    form = CountFormat(precision=config.precision, eos=False)
    for corpus in (config.prose, config.code):
        documents = open_corpus(corpus, "test", data_root=options.data_root).documents()
        texts = [np.frombuffer(document, dtype=np.uint8).astype(np.uint16) for document in documents]
        results[f"bits_per_byte_{corpus}"] = byte_model_bits(model, texts, form)
    finished = record.finish(results=results, cost={"flops": 0})
    finished.save(out / RECORD)
    return finished


def _documents(config: ShippedNGramConfig, options: RunOptions) -> Iterator[tuple[bytes, int]]:
    done = 0
    for corpus, weight in ((config.prose, 1), (config.code, config.code_weight)):
        for index, document in enumerate(open_corpus(corpus, "train", data_root=options.data_root).documents()):
            done += len(document)
            if options.progress:
                options.progress(done, None, f"counting {corpus}")
            yield document, weight
            if corpus == config.prose:
                width = _WIDTHS[index % len(_WIDTHS)]
                if index % config.wrapped_every == 0:
                    yield wrap_lines(document, width, b"\n"), weight
                if index % config.returns_every == 1 % config.returns_every:
                    yield wrap_lines(document, width, b"\r\n"), weight
