import numpy as np

from laconic.bytelm.base import CountFormat
from laconic.bytelm.reference import NGramReference, cumulative_counts

TENSORS = {
    # The contexts "a", "b" and, below "b", "ab".
    "edges_N": np.array([97, 98, 97], "u1"),
    "nodes_N": np.array([0, 0x80 | 0x40 | 1, 0x80 | 1], "u1"),
    # "a": b; "b": a, c; "ab": the end of the document.
    "symbols_E": np.array([98, 97, 99, 255], "u1"),
    "weights_E": np.array([0x80 | 1, 1, 0x80 | 0, 0x80 | 1], "u1"),
    "root_S": np.arange(1, 258, dtype="<u4"),
    "weight_table": np.array([1000, 3000], "<u4"),
    "backoff_table": np.array([65536, 32768], "<u4"),
}


def test_weights_by_hand() -> None:
    model = NGramReference(TENSORS)
    reach = 1 << 19
    root = [reach * (symbol + 1) for symbol in range(257)]
    assert model.weights([]) == root
    assert model.weights([120]) == model.weights([97, 120]) == root
    after_a = list(root)
    after_a[98] += reach * 3000
    assert model.weights([97]) == model.weights([98, 97]) == after_a
    after_ab = [weight // 4 for weight in root]
    after_ab[256] += reach * 3000
    after_ab[97] += reach // 2 * 3000
    after_ab[99] += reach // 2 * 1000
    assert model.weights([120, 97, 98]) == after_ab


def test_the_end_of_a_document_empties_the_context() -> None:
    model = NGramReference(TENSORS)
    assert model.weights([97, 98, 256]) == model.weights([])
    assert model.weights([97, 256, 98]) == model.weights([98]) != model.weights([97, 98])


def test_the_start_of_a_context_counts_as_its_oldest_symbol() -> None:
    tensors = {
        **TENSORS,
        "edges_N": np.array([97, 255, 255], "u1"),  # "a", the start, and "a" right after the start.
        "nodes_N": np.array([0x40, 0x80, 0x80], "u1"),
        "symbols_E": np.array([98, 97, 99], "u1"),
        "weights_E": np.array([0x80 | 1, 0x80 | 1, 0x80 | 0], "u1"),
    }
    model, unit = NGramReference(tensors), 1 << 19
    assert model.weights([])[97] - model.weights([0])[97] == unit * 3000
    assert model.weights([97])[99] - model.weights([97, 97])[99] == unit * 1000
    assert model.weights([0, 256]) == model.weights([])
    assert model.weights([255]) == model.weights([0, 255]) == model.weights([0, 0])


def test_counts_are_those_of_the_weights() -> None:
    model, form = NGramReference(TENSORS), CountFormat(precision=14)
    assert model.cumulative([97], form) == cumulative_counts(model.weights([97]), form)
