import numpy as np
import pytest

from laconic.bytelm.counting import count_grams
from laconic.bytelm.files import ModelFile
from laconic.bytelm.fitting import Ngrams, collect, share_out
from laconic.bytelm.packing import ENTRY_BYTES, NODE_BYTES, pack, prune
from laconic.bytelm.reference import NGramReference
from laconic.bytelm.trie import read_trie

TEXT = b"the cat sat on the mat and the dog sat on the log; then the cat and the dog sat on the mat.\n"


@pytest.fixture(scope="module")
def ngrams() -> Ngrams:
    return collect(count_grams([(TEXT, 1)]), order=6, min_count=1, min_backoff=0.005)


@pytest.fixture(scope="module")
def gains_E(ngrams: Ngrams) -> np.ndarray:
    return share_out(ngrams, count_grams([(TEXT, 1)]), leave_out=0.5).gains_E


def size(ngrams: Ngrams) -> int:
    return NODE_BYTES * len(ngrams.keys_N) + ENTRY_BYTES * len(ngrams.symbols_E)


@pytest.mark.parametrize("max_bytes", [40, 100, 300, 600])
def test_what_is_kept_fits_and_is_worth_most(ngrams: Ngrams, gains_E: np.ndarray, max_bytes: int) -> None:
    kept = prune(ngrams, gains_E, max_bytes)
    assert max_bytes / 2 <= size(kept) <= max_bytes
    parents_N = kept.parents()
    deep = slice(kept.levels[1], None)
    assert (kept.keys_N[parents_N[deep]] == kept.keys_N[deep] >> np.uint64(9)).all()
    assert np.diff(kept.first_N).min() >= 1


def test_more_room_keeps_all_that_smaller_rooms_keep(ngrams: Ngrams, gains_E: np.ndarray) -> None:
    sizes = [size(prune(ngrams, gains_E, max_bytes)) for max_bytes in (50, 200, 800, 1 << 30)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] < size(ngrams)


def test_packed_and_unpacked_it_is_the_same_model_up_to_rounding(ngrams: Ngrams) -> None:
    reference = NGramReference(pack(ngrams))
    for node in range(0, len(ngrams.keys_N), 7):
        length = 1 + next(k for k in range(5) if node < ngrams.levels[k + 1])
        key = int(ngrams.keys_N[node])
        context = tuple(min(key >> 9 * place & 511, 255) for place in range(length))
        entries = slice(ngrams.first_N[node], ngrams.first_N[node + 1])
        stored = reference.successors[context]
        assert list(stored) == ngrams.symbols_E[entries].tolist()
        assert np.array(list(stored.values())) / 65536 == pytest.approx(ngrams.weights_E[entries], rel=0.05, abs=2e-5)
        assert reference.backoffs[context] / 65536 == pytest.approx(ngrams.backoffs_N[node], rel=0.05, abs=2e-5)


def test_what_is_packed_can_be_read(ngrams: Ngrams) -> None:
    tensors = pack(ngrams)
    assert sum(tensor.nbytes for name, tensor in tensors.items() if name.endswith(("_N", "_E"))) == size(ngrams)
    read_trie(ModelFile(kind="ngram", config={"order": 6}, description="", tensors=tensors))
