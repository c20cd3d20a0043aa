"""Many short texts, each compressed alone: where a shipped model helps most.

Takes the docstrings of the held-out modules of the standard library, as a stand-in for messages, reviews or log lines, and
compresses each one with zlib, lzma and laconic. Every text comes back unchanged, or the script fails.

    python examples/many_short_texts.py
"""

import ast
import lzma
import zlib

import laconic
from laconic.text.corpora import open_corpus


def short_texts(at_least: int = 200, most: int = 200) -> list[bytes]:
    """The first docstrings of functions in modules that no shipped model was trained on."""
    texts = []
    for source in open_corpus("stdlib", "test").documents():
        functions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
        texts += [(ast.get_docstring(node) or "").encode() for node in functions]
    return [text for text in texts if len(text) >= at_least][:most]


def main() -> None:
    """Compress each text alone and print bits per byte."""
    texts = short_texts()
    total = sum(map(len, texts))
    ours = [laconic.compress(text) for text in texts]
    assert [laconic.decompress(blob) for blob in ours] == texts
    sizes = {
        "zlib": sum(len(zlib.compress(text, 9)) for text in texts),
        "lzma": sum(len(lzma.compress(text, lzma.FORMAT_ALONE)) for text in texts),
        "laconic": sum(map(len, ours)),
    }
    print(f"{len(texts)} texts, {total} bytes in all")
    for name, size in sizes.items():
        print(f"{name:8} {size:7} bytes  {8 * size / total:.3f} bits/byte")


if __name__ == "__main__":
    main()
