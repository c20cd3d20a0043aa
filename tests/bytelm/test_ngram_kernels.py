import numpy as np

from laconic.bytelm.base import CountFormat
from laconic.bytelm.files import ModelFile
from laconic.bytelm.ngram import NGramByteLM
from laconic.bytelm.ngram_kernels import REACH, fill_weights, find_nodes, symbol_range
from laconic.bytelm.reference import NGramReference
from laconic.bytelm.trie import LAST, MAX_NODE_WEIGHT, read_trie
from laconic.bytelm.weights import WEIGHT_LIMIT, cumulative_counts


def weights_after(model: NGramByteLM, history: bytes) -> tuple[int, np.ndarray]:
    trie = model.trie
    nodes, weights_S = np.zeros(5, dtype=np.int64), np.full(257, -1, dtype=np.int64)
    symbols_T = np.frombuffer(history, dtype=np.uint8).astype(np.uint16)
    depth = find_nodes(trie.singles, trie.pairs, trie.edges_N, trie.records, symbols_T, len(symbols_T), nodes)
    fill_weights(trie.records, trie.successors, trie.root_C, nodes, depth, weights_S)
    return depth, weights_S


def test_weights_are_those_of_the_longest_contexts(small_ngram: NGramByteLM) -> None:
    reference = NGramReference(small_ngram.to_file().tensors)
    for context in [(), *reference.successors]:
        history = bytes(context[1:] if context[:1] == (255,) else [3, *context])
        depth, weights_S = weights_after(small_ngram, history)
        assert depth >= len(context)
        assert weights_S.tolist() == reference.weights(history)


def test_the_heaviest_possible_model_stays_below_the_weight_limit() -> None:
    assert 6 * REACH * MAX_NODE_WEIGHT < WEIGHT_LIMIT


def test_where_all_weights_vanish_every_symbol_counts_as_equally_likely() -> None:
    """A chain of five contexts that know only the end of the document, and pass nothing on."""
    tensors = {
        "edges_N": np.full(5, 97, "u1"),
        "nodes_N": np.array([LAST | 64] * 4 + [LAST], "u1"),
        "symbols_E": np.full(5, 255, "u1"),
        "weights_E": np.full(5, LAST, "u1"),
        "root_S": np.ones(257, "<u4"),
        "weight_table": np.ones(128, "<u4"),
        "backoff_table": np.zeros(64, "<u4"),
    }
    model = NGramByteLM(ModelFile(kind="ngram", config={"order": 6}, description="", tensors=tensors))
    _, weights_S = weights_after(model, b"aaaaa")
    form = CountFormat(precision=12, eos=False)
    assert not weights_S[:256].any()
    edges_C = cumulative_counts(weights_S[None], form)[0]
    trie, nodes = read_trie(model.to_file()), np.arange(5)
    for symbol in (0, 97, 255):
        edges = symbol_range(trie.records, trie.successors, trie.root_C, nodes, 5, symbol, 256, 12)
        assert edges == (edges_C[symbol], edges_C[symbol + 1]) == (16 * symbol, 16 * symbol + 16)
