"""Exact counts of the n-gram model, for ever: a change here breaks every file and every token ever written."""

import numpy as np
import pytest

from laconic.bytelm.base import AbstractByteLM, CountFormat
from laconic.bytelm.files import ModelFile
from laconic.bytelm.ngram import NGramByteLM
from laconic.bytelm.registry import load_byte_lm

# The contexts "a", "b", the start; "ab"; and "a" right after the start.
TINY = {
    "edges_N": np.array([97, 98, 255, 255, 97], "u1"),
    "nodes_N": np.array([0x40 | 8, 0x40 | 3, 0x80 | 17, 0x80 | 30, 0x80 | 5], "u1"),
    "symbols_E": np.array([32, 98, 97, 255, 98, 99, 101, 99, 97, 98], "u1"),
    "weights_E": np.array([9, 0x80 | 20, 12, 0x80 | 40, 18, 24, 0x80 | 31, 0x80 | 4, 16, 0x80 | 8], "u1"),
    "root_S": (np.arange(257) * 37 % 251 + 1).astype("<u4"),
    "weight_table": (65536 * 13 // (13 + np.arange(128) * 3)).astype("<u4"),
    "backoff_table": (65536 * 7 // (7 + np.arange(64))).astype("<u4"),
}


def tiny() -> NGramByteLM:
    return NGramByteLM(ModelFile(kind="ngram", config={"order": 6}, description="golden", tensors=TINY))


def count_after(model: AbstractByteLM, history: list[int], form: CountFormat, symbols: list[int]) -> list[int]:
    """The counts of some symbols, then a number that depends on all of them."""
    session = model.start(1, form)
    for symbol in history:
        session.append(np.array([symbol]))
    edges_C = session.cumulative()[0].astype(np.int64)
    return [*np.diff(edges_C)[symbols].tolist(), int((edges_C * np.arange(len(edges_C))).sum())]


TINY_COUNTS = {
    (b"", 12, False): [1, 6, 3, 1222, 964, 6, 107540720],
    (b"", 16, True): [1, 87, 37, 20721, 16363, 71, 1752940303],
    (b"", 20, False): [8, 1381, 581, 333197, 263118, 1137, 27833225663],
    (b"", 24, True): [122, 22053, 9261, 5325160, 4205148, 18154, 449059610108],
    (b"a", 16, True): [1, 6120, 11, 3356, 51567, 21, 1847761566],
    (b"b", 12, False): [1, 13, 1684, 9, 11, 12, 100318623],
    (b"b", 16, True): [1, 179, 24578, 113, 149, 148, 1405344377],
    (b"b", 20, False): [19, 3339, 459514, 2085, 2767, 2750, 25861280073],
    (b"b", 24, True): [254, 45889, 6316405, 28649, 38029, 37776, 359726136928],
    (b"xab", 16, True): [1, 76, 24618, 23529, 63, 63, 1665546718],
    (b"xa", 16, True): [1, 29089, 49, 15947, 97, 95, 1851600065],
    (b"\xff", 16, True): [3, 368, 155, 231, 305, 303, 1447922767],
    (b"abba", 16, True): [1, 29089, 49, 15947, 97, 95, 1851600065],
}

SHIPPED_COUNTS = {
    "": [1, 7896, 173661, 67747, 95415, 2, 29641596948],
    "t": [1, 2122, 160444, 49961, 126124, 2, 29478653223],
    "the ": [1, 12, 13, 35213, 37733, 2, 29390279914],
    "In 1984, the Unit": [1, 377, 16451, 9503, 994215, 2, 29162337257],
    "def __init__(sel": [1, 396, 991, 835, 3983, 2, 29002031653],
    "Größe": [1, 2404, 363243, 14546, 7254, 2, 30463527041],
    "zqxj\x00": [17, 22456, 390798, 35724, 40766, 18, 30868820114],
}


@pytest.mark.parametrize(("history", "precision", "eos"), TINY_COUNTS)
def test_a_tiny_model(history: bytes, precision: int, eos: bool) -> None:
    form = CountFormat(precision=precision, eos=eos)
    assert count_after(tiny(), list(history), form, [0, 32, 97, 98, 99, 255]) == TINY_COUNTS[history, precision, eos]


def test_the_fingerprint_of_the_tiny_model() -> None:
    assert f"{tiny().fingerprint:016x}" == "db8174a407b3137e"


@pytest.mark.parametrize("history", SHIPPED_COUNTS)
def test_the_shipped_model(history: str) -> None:
    form = CountFormat(precision=20, eos=False)
    model = load_byte_lm("ngram-6")
    assert count_after(model, list(history.encode()), form, [0, 10, 32, 97, 101, 255]) == SHIPPED_COUNTS[history]


def test_the_fingerprint_of_the_shipped_model() -> None:
    assert f"{load_byte_lm('ngram-6').fingerprint:016x}" == "e346dc59e34610a4"
