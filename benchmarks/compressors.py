"""How small and how fast: laconic beside gzip, zstd, brotli, bz2, xz and PPMd on the same texts, in one run.

    python benchmarks/compressors.py                              # everything; several minutes
    python benchmarks/compressors.py --texts alice29 --repeats 1  # one file, once

Every text is a list of pieces that are compressed each alone; sizes are sums over the pieces, and contain all that a
decoder needs but two things: the dictionary of `zstd with a dictionary`, which must be shipped beside it, and PPMd's
text length, which its container would hold. Every round trip is checked. Rounds go over all compressors before the next
one begins, so that a busy moment of the machine falls on all alike; speeds are medians over rounds, one thread,
in 10^6 bytes of text per second. A transformer brings back short texts that stand alone a symbol at a time: `heads` and
`heads-200` take it minutes a round.

The texts: `wikipedia-en` (test split, every article followed by a line feed: 2,020,490 bytes), `alice29`, `book1`,
`heads` (first 4,096 bytes of each test article that has so many: 93), `heads-200` (first 4,096 bytes, or all there is,
of the first 200 test articles).
"""

import argparse
import bz2
import gzip
import lzma
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from laconic.archive.stream import compress, decompress
from laconic.bytelm.limits import limit_threads
from laconic.bytelm.registry import load_byte_lm
from laconic.records.benchmark import markdown_table
from laconic.text.corpora import open_corpus
from script import finish_record, new_parser, start_record

HEAD = 4096
TEXTS = ("wikipedia-en", "alice29", "book1", "heads", "heads-200")
DICTIONARIES = {"112 KB": 112_640, "1 MB": 1 << 20, "4 MB": 4 << 20}


@dataclass(frozen=True, kw_only=True)
class Codec:
    """A compressor and its decompressor.

    Attributes:
        name: as shown in the table.
        encode: a text to bytes.
        decode: the bytes, and the length of the text for those that need it, to the text.
        only_heads: whether it is meant for short texts, and left out for whole files.
    """

    name: str
    encode: Callable[[bytes], bytes]
    decode: Callable[[bytes, int], bytes]
    only_heads: bool = False


def load_text(name: str, data_root: Path | None) -> list[bytes]:
    """The pieces of one of `TEXTS`."""
    if name in ("alice29", "book1"):
        folder = {"alice29": "canterbury", "book1": "calgary"}[name]
        corpus = open_corpus(folder, "test", data_root=data_root)
        sizes = {"alice29": 152_089, "book1": 768_771}
        return [next(document for document in corpus.documents() if len(document) == sizes[name])]
    articles = list(open_corpus("wikipedia-en", "test", data_root=data_root).documents())
    if name == "wikipedia-en":
        return [b"".join(article + b"\n" for article in articles)]
    if name == "heads":
        return [article[:HEAD] for article in articles if len(article) >= HEAD][:200]
    return [article[:HEAD] for article in articles[:200]]


def laconic_codecs(models: list[str]) -> Iterator[Codec]:
    """The archive as `laconic compress` writes it, header, checksums and index included."""
    for name in models:
        model = load_byte_lm(name)
        shown = f"laconic {Path(name).stem if name.endswith('.safetensors') else name}"
        yield Codec(
            name=shown,
            encode=lambda data, model=model: compress(data, model),
            decode=lambda blob, _, model=model: decompress(blob, model),
        )


def standard_codecs() -> Iterator[Codec]:
    """What Python brings, with the strongest settings of the command lines."""
    yield Codec(
        name="gzip -9", encode=lambda data: gzip.compress(data, 9, mtime=0), decode=lambda blob, _: gzip.decompress(blob)
    )
    yield Codec(name="bz2 -9", encode=lambda data: bz2.compress(data, 9), decode=lambda blob, _: bz2.decompress(blob))
    strongest = 9 | lzma.PRESET_EXTREME
    yield Codec(
        name="xz -9e", encode=lambda data: lzma.compress(data, preset=strongest), decode=lambda blob, _: lzma.decompress(blob)
    )


def other_codecs() -> Iterator[Codec]:
    """Brotli, zstd and PPMd, from the `bench` extra."""
    import brotli
    import zstandard

    yield Codec(
        name="brotli 11",
        encode=lambda data: brotli.compress(data, mode=brotli.MODE_TEXT, quality=11, lgwin=24),
        decode=lambda blob, _: brotli.decompress(blob),
    )
    for level in (19, 22):
        packer, unpacker = zstandard.ZstdCompressor(level=level), zstandard.ZstdDecompressor()
        yield Codec(
            name=f"zstd -{level}",
            encode=packer.compress,
            decode=lambda blob, size, unpacker=unpacker: unpacker.decompress(blob, max_output_size=size),
        )
    yield Codec(name="PPMd (variant I) order 8", encode=_encode_ppmd, decode=_decode_ppmd)


_PPMD_ORDER, _PPMD_MEMORY = 8, 256 << 20


def _encode_ppmd(data: bytes) -> bytes:
    import pyppmd

    encoder = pyppmd.Ppmd8Encoder(_PPMD_ORDER, _PPMD_MEMORY)
    return bytes(encoder.encode(data) + encoder.flush())


def _decode_ppmd(blob: bytes, size: int) -> bytes:
    import pyppmd

    decoder = pyppmd.Ppmd8Decoder(_PPMD_ORDER, _PPMD_MEMORY)
    text = decoder.decode(blob, size)
    while len(text) < size and decoder.needs_input:  # The last symbols may want a byte beyond the end.
        text += decoder.decode(b"\0", size - len(text))
    return bytes(text)


def dictionary_codecs(data_root: Path | None, training_bytes: int) -> Iterator[Codec]:
    """zstd -19 with dictionaries trained on the heads of articles of the train split, from its beginning."""
    import zstandard

    samples, taken = [], 0
    for article in open_corpus("wikipedia-en", "train", data_root=data_root).documents():
        if taken >= training_bytes:
            break
        if len(article) >= 64:  # The trainer wants no shorter ones.
            samples.append(article[:HEAD])
            taken += len(samples[-1])
    for shown, size in DICTIONARIES.items():
        dictionary = zstandard.train_dictionary(size, samples)
        packer = zstandard.ZstdCompressor(level=19, dict_data=dictionary)
        unpacker = zstandard.ZstdDecompressor(dict_data=dictionary)
        print(f"trained a dictionary of {shown} on {taken:,} bytes", flush=True)
        yield Codec(
            name=f"zstd -19, {shown} dictionary",
            encode=packer.compress,
            decode=lambda blob, size, unpacker=unpacker: unpacker.decompress(blob, max_output_size=size),
            only_heads=True,
        )


@dataclass(frozen=True, kw_only=True)
class Round:
    """One pass of one codec over all pieces: sizes in bytes, times in seconds."""

    compressed: int
    encode_seconds: float
    decode_seconds: float


def measure(codec: Codec, pieces: list[bytes], *, least_seconds: float = 0.2) -> Round:
    """Compress all pieces and bring them back, as often as it takes to read a clock; raise when one differs."""
    times: list[tuple[float, float]] = []
    while not times or sum(a + b for a, b in times) < least_seconds:
        start = time.perf_counter()
        blobs = [codec.encode(piece) for piece in pieces]
        middle = time.perf_counter()
        texts = [codec.decode(blob, len(piece)) for blob, piece in zip(blobs, pieces, strict=True)]
        times.append((middle - start, time.perf_counter() - middle))
        if texts != pieces:
            raise AssertionError(f"{codec.name} did not give the text back")
    return Round(
        compressed=sum(map(len, blobs)),
        encode_seconds=statistics.median(encode for encode, _ in times),
        decode_seconds=statistics.median(decode for _, decode in times),
    )


def compare(text: str, pieces: list[bytes], codecs: list[Codec], repeats: int) -> list[dict[str, Any]]:
    """One row per codec for one text."""
    chosen = [codec for codec in codecs if text.startswith("heads") or not codec.only_heads]
    rounds: dict[str, list[Round]] = {codec.name: [] for codec in chosen}
    for number in range(repeats):
        for codec in chosen:
            rounds[codec.name].append(measure(codec, pieces))
        print(f"{text}: round {number + 1} of {repeats} done", flush=True)
    size = sum(map(len, pieces))
    rows: list[dict[str, Any]] = []
    for name, found in rounds.items():
        rows.append(
            {
                "text": text,
                "codec": name,
                "compressed_bytes": found[0].compressed,
                "bits_per_byte": 8 * found[0].compressed / size,
                "encode_mb_per_s": size / 1e6 / statistics.median(one.encode_seconds for one in found),
                "decode_mb_per_s": size / 1e6 / statistics.median(one.decode_seconds for one in found),
                "verified": True,  # `measure` raises otherwise.
            }
        )
    return sorted(rows, key=lambda row: float(row["bits_per_byte"]))


def main() -> None:
    arguments = _arguments()
    record = start_record("compressors", arguments)
    limit_threads(arguments.threads)
    codecs = [*laconic_codecs(arguments.models), *standard_codecs(), *other_codecs()]
    if any(text.startswith("heads") for text in arguments.texts) and arguments.dictionary_text:
        codecs += dictionary_codecs(arguments.data_root, arguments.dictionary_text)
    texts, rows = [], []
    for name in arguments.texts:
        pieces = load_text(name, arguments.data_root)
        texts.append({"text": name, "pieces": len(pieces), "bytes": sum(map(len, pieces))})
        rows += compare(name, pieces, codecs, arguments.repeats)
    table = markdown_table(texts) + "\n" + markdown_table(rows)
    finish_record(record, table, {"texts": texts, "rows": rows}, arguments)


def codec_parser(description: str) -> argparse.ArgumentParser:
    """The options that all benchmarks of codecs have: models, text for dictionaries, data folder and folder of the record."""
    parser = new_parser(description)
    parser.add_argument("--models", nargs="+", default=["default", "light"], help="byte models: names, or paths")
    parser.add_argument("--dictionary-text", type=int, default=100_000_000, help="bytes to train dictionaries on; 0: none")
    parser.add_argument("--data-root", type=Path, default=None, help="data folder; that of LACONIC_DATA if not given")
    return parser


def _arguments() -> argparse.Namespace:
    parser = codec_parser(__doc__)
    parser.add_argument("--texts", nargs="+", choices=TEXTS, default=list(TEXTS))
    parser.add_argument("--threads", type=int, default=1, help="for the models of laconic; all others have one; 1")
    parser.add_argument("--repeats", type=int, default=3, help="rounds; 3")
    return parser.parse_args()


if __name__ == "__main__":
    main()
