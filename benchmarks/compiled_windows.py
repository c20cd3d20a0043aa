"""Compiled windows against other tokenizers on one core: compiling, encoding, decoding, and whether tokens stay the same.

    python benchmarks/compiled_windows.py                                              # five minutes
    python benchmarks/compiled_windows.py --train-mb 2 --vocab-size 8000 --same-mb 2   # a quick look

The windows of W = 16 under each byte model are compiled, once with everything ready and once in a fresh process. Then all
tokenizers encode and decode the same documents in the same process, which is kept to one core: ours with the compiled
codebook, SentencePiece (unigram, no normalisation), byte-pair encoding by Hugging Face `tokenizers`, and `tiktoken` with the
same vocabulary; the vocabularies are trained in this run. `arrays` is the quickest form each has: NumPy arrays for ours and
tiktoken, whatever `encode_batch_fast` returns for `tokenizers`; `lists` are Python lists of integers for all. Text goes in as
`str`, one call per document, for `tokenizers` one call for all. Medians over rounds, all tokenizers taking turns.

Last, text of every kind is cut window by window under the byte model, and the tokens are compared with those of the codebook.
The script fails if any differ.
"""

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ |= {"RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}

import numpy as np
import sentencepiece
import tiktoken
import tokenizers

from laconic.bytelm.registry import load_byte_lm
from laconic.records.benchmark import markdown_table
from laconic.shapes import EOS
from laconic.text.corpora import open_corpus
from laconic.tokens.bpe import BPEConfig, train_bpe
from laconic.tokens.codebook_file import CODEBOOK_FILE
from laconic.tokens.compiling import compile_windows
from laconic.tokens.registry import build_tokenizer
from laconic.tokens.segment import WindowFormat, segment
from script import finish_record, new_parser, start_record

GPT2_WORDS = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""The pattern by which `tokenizers` cuts words before it merges bytes."""

FRESH = "import time; from laconic.bytelm.registry import load_byte_lm; m = load_byte_lm({model!r}); t = time.perf_counter();"
FRESH += "from laconic.tokens.compiling import compile_windows; from laconic.tokens.segment import WindowFormat;"
FRESH += "compile_windows(m, WindowFormat()); print(time.perf_counter() - t)"

GROUP = 1 << 22
"""Bytes that are compared at a time."""


@dataclass(frozen=True, kw_only=True)
class Rival:
    """One tokenizer.

    Attributes:
        name: as shown in the table.
        arrays: encodes documents in its quickest form.
        lists: encodes documents to lists.
        decode: what `lists` returned, back to text; or for ours what `arrays` returned, back to bytes.
    """

    name: str
    arrays: Callable[[Sequence[str]], Any]
    lists: Callable[[Sequence[str]], list[list[int]]]
    decode: Callable[[Any], Any]
    decodes_arrays: bool = False


def ours(model: str, **settings: Any) -> Rival:
    """A compiled tokenizer of ours."""
    tokenizer = build_tokenizer("equal-info", model=model, **settings)
    tokenizer.core.compile()  # type: ignore[attr-defined]
    return Rival(
        name=f"{tokenizer.name}, {model}",
        arrays=lambda texts: [tokenizer.encode_bytes(text.encode()) for text in texts],
        lists=lambda texts: [tokenizer.encode(text) for text in texts],
        decode=lambda rows: [tokenizer.decode_bytes(ids) for ids in rows],
        decodes_arrays=True,
    )


def sentencepiece_of(documents: Iterable[bytes], vocab_size: int) -> Rival:
    """A unigram vocabulary of SentencePiece."""
    with tempfile.TemporaryDirectory() as folder:
        lines = (line for document in documents for line in document.decode(errors="ignore").split("\n") if line)
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=lines, model_prefix=f"{folder}/model", vocab_size=vocab_size, model_type="unigram",
            byte_fallback=True, normalization_rule_name="identity", num_threads=1, minloglevel=2,
            max_sentence_length=100_000,
        )  # fmt: skip
        processor = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/model.model", num_threads=1)
    encode = lambda texts: [processor.encode(text) for text in texts]  # noqa: E731
    return Rival(
        name=f"SentencePiece unigram {vocab_size:,}",
        arrays=encode,
        lists=encode,
        decode=lambda rows: [processor.decode(ids) for ids in rows],
    )


def byte_pairs_of(documents: Iterable[bytes], vocab_size: int) -> list[Rival]:
    """One vocabulary of byte pairs, for `tokenizers` and for `tiktoken`."""
    trained = train_bpe(documents, BPEConfig(vocab_size=vocab_size))
    with tempfile.TemporaryDirectory() as folder:
        [name] = trained.save_files(Path(folder))
        hugging = tokenizers.Tokenizer.from_file(f"{folder}/{name}")
    hugging.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    hugging.decoder = tokenizers.decoders.ByteLevel()
    ranks = {trained.decode_bytes([i]): i for i in range(trained.vocab_size - 1)}
    tik = tiktoken.Encoding("trained here", pat_str=GPT2_WORDS, mergeable_ranks=ranks, special_tokens={})
    return [
        Rival(
            name=f"HF tokenizers byte BPE {vocab_size:,}",
            arrays=hugging.encode_batch_fast,
            lists=lambda texts: [encoding.ids for encoding in hugging.encode_batch_fast(texts)],
            decode=hugging.decode_batch,
        ),
        Rival(
            name=f"tiktoken byte BPE {vocab_size:,}",
            arrays=lambda texts: [tik.encode_to_numpy(text) for text in texts],
            lists=lambda texts: [tik.encode_ordinary(text) for text in texts],
            decode=lambda rows: [tik.decode_bytes(ids) for ids in rows],
        ),
    ]


def time_rivals(rivals: Sequence[Rival], texts: list[str], rounds: int) -> list[dict[str, Any]]:
    """One row of the table for each rival."""
    size = sum(len(text.encode()) for text in texts)
    seconds: dict[tuple[str, str], list[float]] = {}

    def clock(rival: Rival, what: str, work: Callable[[Any], Any], given: Any) -> Any:
        began = time.perf_counter()
        result = work(given)
        seconds.setdefault((rival.name, what), []).append(time.perf_counter() - began)
        return result

    tokens = {}
    for number in range(rounds + 1):
        for rival in rivals:
            given = texts if number else texts[:3]
            arrays = clock(rival, "arrays", rival.arrays, given)
            lists = clock(rival, "lists", rival.lists, given)
            back = clock(rival, "decode", rival.decode, arrays if rival.decodes_arrays else lists)
            if rival.decodes_arrays and back != [text.encode() for text in given]:
                raise AssertionError(f"{rival.name} does not bring the text back")
            tokens[rival.name] = sum(map(len, lists))
        if not number:
            seconds.clear()  # The first round warms up.
    middle = {key: statistics.median(values) for key, values in seconds.items()}
    return [
        {
            "tokenizer": rival.name,
            "bytes/token": size / tokens[rival.name],
            "encode MB/s, arrays": size / 1e6 / middle[rival.name, "arrays"],
            "encode MB/s, lists": size / 1e6 / middle[rival.name, "lists"],
            "decode MB/s": size / 1e6 / middle[rival.name, "decode"],
        }
        for rival in rivals
    ]


def mixed_text(limit: int, data: Path | None) -> Iterator[tuple[str, bytes]]:
    """Text of every kind, the source of each document with it, about `limit` bytes in all."""
    done = 0
    noise = np.random.default_rng(1).bytes(limit // 20)
    parts: list[tuple[str, Iterable[bytes]]] = [("random bytes", [noise[: len(noise) // 2], noise[len(noise) // 2 :]])]
    flores = sorted((data / "flores200").glob("*.xz")) if data else []
    parts += [("12 languages", itertools.chain.from_iterable(open_corpus(path).documents() for path in flores))]
    parts += [("Python sources", itertools.islice(open_corpus("stdlib", "all").documents(), 0, None, 3))]
    if data:
        parts += [("Wikipedia", open_corpus("wikipedia-en", split).documents()) for split in ("valid", "train")]
    for name, documents in parts:
        for document in documents:
            if done >= limit:
                return
            yield name, document[: limit - done]
            done += len(document)


def compare_tokens(model: str, limit: int, data: Path | None) -> list[dict[str, Any]]:
    """Cut text with the codebook and under the byte model; one row for each kind of text."""
    book = compile_windows(load_byte_lm(model), WindowFormat())
    byte_model, form = load_byte_lm(model), WindowFormat()
    rows: dict[str, dict[str, Any]] = {}
    group: list[tuple[str, np.ndarray]] = []

    def compare() -> None:
        windows = segment([symbols for _, symbols in group], byte_model, form)
        for (name, symbols), expected in zip(group, windows, strict=True):
            fresh = {"byte model": model, "text": name, "MB": 0.0, "documents": 0, "tokens": 0, "documents that differ": 0}
            row = rows.setdefault(name, fresh)
            codes = book.encode(symbols)
            row["MB"] += (symbols.size - 1) / 1e6
            row["documents"] += 1
            row["tokens"] += codes.size
            row["documents that differ"] += not np.array_equal(codes, expected.codes[:, 1])
        group.clear()

    for name, document in mixed_text(limit, data):
        group.append((name, np.append(np.frombuffer(document, np.uint8), EOS).astype(np.uint16)))
        if sum(symbols.size for _, symbols in group) >= GROUP:
            compare()
    compare()
    return list(rows.values())


def compile_in_both_ways(model: str) -> dict[str, Any]:
    """What compiling took, and what came of it."""
    said = subprocess.run([sys.executable, "-c", FRESH.format(model=model)], capture_output=True, text=True, check=True)
    byte_model = load_byte_lm(model)
    compile_windows(byte_model, WindowFormat())
    began = time.perf_counter()
    book = compile_windows(byte_model, WindowFormat())
    seconds = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        build_tokenizer("equal-info", model=model).save_pretrained(folder)
        file_bytes = (Path(folder) / CODEBOOK_FILE).stat().st_size
    return {
        "byte model": model,
        "W": 16,
        "strings with a code": book.strings,
        "strings asked about": int(book.symbols_N.size),
        "codes": int(book.owners_K.size),
        "compile s": seconds,
        "compile s, fresh process": float(said.stdout),
        "codebook bytes": file_bytes,
    }


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--models", nargs="+", default=["light"], help="byte models; light")
    parser.add_argument("--corpus", default="wikipedia-en")
    parser.add_argument("--split", default="test", help="what is encoded")
    parser.add_argument("--train-split", default="train", help="what the other vocabularies are trained on")
    parser.add_argument("--train-mb", type=float, default=23.0)
    parser.add_argument("--vocab-size", type=int, default=32_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--same-mb", type=float, default=24.0, help="how much text to compare tokens on")
    parser.add_argument("--data", type=Path, default=os.environ.get("LACONIC_DATA"), help="data folder [LACONIC_DATA]")
    arguments = parser.parse_args()
    record = start_record("compiled_windows", arguments)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    compiled = [compile_in_both_ways(model) for model in arguments.models]
    texts = [document.decode() for document in open_corpus(arguments.corpus, arguments.split).documents()]
    sample: list[bytes] = []
    for document in open_corpus(arguments.corpus, arguments.train_split).documents():
        sample.append(document)
        if sum(map(len, sample)) >= arguments.train_mb * 1e6:
            break
    rivals = [
        *(ours(model) for model in arguments.models),
        ours(arguments.models[0], token_bits=8),
        sentencepiece_of(sample, arguments.vocab_size),
        *byte_pairs_of(sample, arguments.vocab_size),
    ]
    rows = time_rivals(rivals, texts, arguments.rounds)
    same = [row for model in arguments.models for row in compare_tokens(model, int(arguments.same_mb * 1e6), arguments.data)]
    table = "\n".join(markdown_table(part) for part in (compiled, rows, same))
    models = {name: f"{load_byte_lm(name).fingerprint:016x}" for name in arguments.models}
    results = {"compiled": compiled, "rows": rows, "same": same, "models": models}
    finish_record(record, table, results, arguments)
    if any(row["documents that differ"] for row in same):
        raise SystemExit("some tokens differ")


if __name__ == "__main__":
    main()
