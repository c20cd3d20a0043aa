"""Bits per byte against the size of the file, from 1 KiB to 4 MB: where a shipped model helps, and where it stops to.

    python benchmarks/sizes.py                                             # ten minutes, most of them the default model
    python benchmarks/sizes.py --most 65536 --dictionary-text 2000000 --out /tmp/try   # a trial

The text is the test split of `wikipedia-en` and then its valid split, every article followed by a line feed. For each
size there are pieces of exactly that many bytes, each from the beginning of an article on, spread evenly: 32 of the
shortest, fewer of longer ones, one of the longest. Each piece is compressed alone; a point is the mean over its pieces.
Nothing is decompressed here: `lossless.py` and `compressors.py` do that.
"""

import argparse
import bisect
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from compressors import Codec, codec_parser, dictionary_codecs, laconic_codecs, other_codecs, standard_codecs
from laconic.records.benchmark import markdown_table
from laconic.text.corpora import open_corpus
from script import finish_record, start_record

LEAST, MOST_PIECES, BYTES_FOR_A_POINT = 1 << 10, 32, 1 << 18


def load_articles(data_root: Path | None) -> list[bytes]:
    """All held-out articles, each with a line feed."""
    splits = (open_corpus("wikipedia-en", split, data_root=data_root) for split in ("test", "valid"))
    return [article + b"\n" for split in splits for article in split.documents()]


def pieces_of(articles: Sequence[bytes], size: int) -> list[bytes]:
    """Pieces of `size` bytes, or one of all there is."""
    text, starts = b"".join(articles), list(accumulate((len(article) for article in articles[:-1]), initial=0))
    count = max(1, min(MOST_PIECES, BYTES_FOR_A_POINT // size))
    last = bisect.bisect_right(starts, max(0, len(text) - size)) - 1
    chosen = dict.fromkeys(starts[last * number // max(1, count - 1)] for number in range(count))
    return [text[start : start + size] for start in chosen]


def sizes_up_to(most: int) -> list[int]:
    """Powers of two, then `most` itself."""
    powers = [LEAST << number for number in range(40) if LEAST << number < most]
    return [*powers, most]


def measure(codec: Codec, pieces: Sequence[bytes]) -> dict[str, Any]:
    packed, size = sum(len(codec.encode(piece)) for piece in pieces), sum(map(len, pieces))
    return {"codec": codec.name, "size": len(pieces[0]), "pieces": len(pieces), "bits_per_byte": 8 * packed / size}


def main() -> None:
    arguments = _arguments()
    record = start_record("bits-by-size", arguments)
    codecs = [*laconic_codecs(arguments.models), *standard_codecs(), *other_codecs()]
    if arguments.dictionary_text:
        codecs += dictionary_codecs(arguments.data_root, arguments.dictionary_text)
    articles = load_articles(arguments.data_root)
    most, rows = min(arguments.most, sum(map(len, articles))), []
    for size in sizes_up_to(most):
        pieces = pieces_of(articles, size)
        rows += [measure(codec, pieces) for codec in codecs]
        print(f"{size:,} bytes: {len(pieces)} pieces done", flush=True)
    by_codec = [
        {"codec": codec.name, **{f"{row['size']:,}": row["bits_per_byte"] for row in rows if row["codec"] == codec.name}}
        for codec in codecs
    ]
    finish_record(record, markdown_table(by_codec), {"rows": rows}, arguments)


def _arguments() -> argparse.Namespace:
    parser = codec_parser(__doc__)
    parser.add_argument("--most", type=int, default=1 << 22, help="the largest size; all there is if that is less")
    return parser.parse_args()


if __name__ == "__main__":
    main()
