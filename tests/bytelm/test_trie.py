import numpy as np
import pytest

from laconic.bytelm.files import ModelFile
from laconic.bytelm.ngram import NGramByteLM
from laconic.bytelm.reference import NGramReference
from laconic.bytelm.trie import AFTER_ALL, BELOW_BITS, LAST, PARENT, Trie, read_trie
from laconic.errors import CorruptFileError


def read(tensors: dict[str, np.ndarray]) -> Trie:
    return read_trie(ModelFile(kind="ngram", config={"order": 6}, description="", tensors=tensors))


def find(trie: Trie, context: tuple[int, ...]) -> int:
    node = int(trie.singles[context[-1]])
    for symbol in context[-2::-1]:
        children = np.arange(trie.records[node, 1], trie.records[node + 1, 1])
        node = int(children[trie.edges_N[children] == symbol][0])
    return node


def test_the_trie_holds_what_the_reference_reads(small_ngram: NGramByteLM) -> None:
    tensors = small_ngram.to_file().tensors
    trie, reference = read(tensors), NGramReference(tensors)
    assert len(reference.successors) == len(trie.edges_N)
    assert {len(context) for context in reference.successors} == {1, 2, 3, 4, 5}
    for context, successors in reference.successors.items():
        node = find(trie, context)
        records = trie.successors[trie.records[node, 0] : trie.records[node + 1, 0]]
        assert (records >> BELOW_BITS).tolist() == [*successors, AFTER_ALL]
        assert np.diff(records & ((1 << BELOW_BITS) - 1)).tolist() == list(successors.values())
        assert trie.records[node, 2] == reference.backoffs[context]
        if len(context) == 2:
            assert trie.pairs[context[1] * 256 + context[0]] == node
    assert (trie.singles >= 0).sum() == sum(len(context) == 1 for context in reference.successors)
    assert (trie.pairs >= 0).sum() == sum(len(context) == 2 for context in reference.successors)


def test_a_model_without_contexts_can_be_read(small_ngram: NGramByteLM) -> None:
    empty = {
        name: tensor[:0] if name.endswith(("_N", "_E")) else tensor for name, tensor in small_ngram.to_file().tensors.items()
    }
    assert len(read(empty).edges_N) == 0


def damage(tensors: dict[str, np.ndarray], how: str) -> None:
    nodes_N, weights_E = tensors["nodes_N"], tensors["weights_E"]
    match how:
        case "family without parent":
            nodes_N[np.flatnonzero(nodes_N & PARENT)[0]] ^= PARENT
        case "parent without family":
            nodes_N[np.flatnonzero(~nodes_N & PARENT)[-1]] ^= PARENT
        case "too deep":
            nodes_N[np.flatnonzero(nodes_N & PARENT)[0]] ^= PARENT
            nodes_N[np.flatnonzero(~nodes_N & PARENT)[-5]] ^= PARENT
        case "child before its parent":
            tensors["nodes_N"] = nodes_N[::-1].copy()
            tensors["nodes_N"][-1] |= LAST
        case "open family":
            nodes_N[-1] ^= LAST
        case "open node":
            weights_E[-1] ^= LAST
        case "node without successors":
            weights_E[np.flatnonzero(weights_E & LAST)[0]] ^= LAST
        case "siblings out of order":
            tensors["edges_N"] = tensors["edges_N"][::-1].copy()
        case "successors out of order":
            tensors["symbols_E"][:] = 7
        case "heavy node":
            weights_E &= LAST
        case "heavy table":
            tensors["weight_table"][:] = 0xFFFFFFFF
        case "no weight":
            tensors["weight_table"][-1] = 0
        case "backoff above one":
            tensors["backoff_table"][0] = 65537
        case "heavy root":
            tensors["root_S"][0] = 1 << 31
        case "no root":
            tensors["root_S"][0] = 0
        case _:
            del tensors[how]


@pytest.mark.parametrize(
    "how",
    [
        "family without parent", "parent without family", "too deep", "child before its parent", "open family", "open node",
        "node without successors", "siblings out of order", "successors out of order", "heavy node", "heavy table", "no weight",
        "backoff above one", "heavy root", "no root", "edges_N", "nodes_N", "symbols_E", "weights_E", "root_S", "weight_table",
        "backoff_table",
    ],
)  # fmt: skip
def test_whatever_is_no_model_is_refused(small_ngram: NGramByteLM, how: str) -> None:
    tensors = {name: tensor.copy() for name, tensor in small_ngram.to_file().tensors.items()}
    damage(tensors, how)
    with pytest.raises(CorruptFileError, match=r"n-?gram model"):
        read(tensors)


def test_random_bytes_are_refused_or_read_but_never_out_of_bounds(small_ngram: NGramByteLM) -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        tensors = {name: tensor.copy() for name, tensor in small_ngram.to_file().tensors.items()}
        victim = tensors[["edges_N", "nodes_N", "symbols_E", "weights_E"][int(rng.integers(4))]]
        victim[rng.integers(len(victim), size=int(rng.integers(1, 4)))] ^= rng.integers(1, 256, dtype=np.uint8)
        try:
            trie = read(tensors)
        except CorruptFileError:
            continue
        assert (np.diff(trie.records[:, :2], axis=0) >= 0).all()
        assert (trie.records[:-1, 1] > np.arange(len(trie.edges_N))).all()
        assert trie.records[-1, :2].tolist() == [len(trie.successors), len(trie.edges_N)]
