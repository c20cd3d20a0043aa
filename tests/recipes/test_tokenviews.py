"""The view of a text in tokens shows all of the text, in order."""

import numpy as np
import pytest

from laconic.recipes.tokenizer import make_tokenizer
from laconic.recipes.tokenviews import show_tokens, try_tokenizer
from laconic.text.examples import document_symbols

TEXT = document_symbols(("To be, or not to be – that is the question. " * 5).encode())


@pytest.mark.parametrize("name", ["bytes", "sentencepiece[600]", "equal-info[16,256]", "equal-info[16,65536]", "gzip[256]"])
def test_runs_join_to_the_text(name: str) -> None:
    tokenizer = make_tokenizer(name, [TEXT[:-1].astype(np.uint8).tobytes() * 20], limit=5_000)
    shown = show_tokens(tokenizer, TEXT)
    text = "".join(text for text, _ in shown)
    assert text.endswith("<eos>")
    if name != "bytes" and not name.startswith("equal"):
        assert text == ("To be, or not to be – that is the question. " * 5) + "<eos>"
    assert len(shown) == 1 if name == "gzip[256]" else len(shown) > 10


def test_a_row_counts_bytes_without_ends() -> None:
    row = try_tokenizer(make_tokenizer("bytes", [], limit=1), [TEXT, TEXT[:7]])
    assert (row["tokens"], row["verified"], row["vocab_size"]) == (len(TEXT) + 7, True, 257)
    assert row["bytes_per_token"] == (len(TEXT) - 1 + 7) / (len(TEXT) + 7)
