import numpy as np
import pytest

from laconic.bytelm.counting import NOTHING, GramCounts, count_grams
from laconic.bytelm.fitting import Ngrams, collect, refit, share_out

TEXT = b"the cat sat on the mat and the dog sat on the log; then the cat and the dog sat on the mat.\n"


@pytest.fixture(scope="module")
def counts() -> GramCounts:
    return count_grams([(TEXT * 2, 1), (TEXT[20:], 1)])


@pytest.fixture(scope="module")
def ngrams(counts: GramCounts) -> Ngrams:
    return collect(counts, order=6, min_count=1, min_backoff=0.005)


def chance(ngrams: Ngrams, context: bytes, symbol: int) -> float:
    """p(symbol | context), by the definition; the context has just started if it is shorter than five bytes."""
    result = float(ngrams.root_S[symbol])
    fields = [*context[::-1], NOTHING][:5]
    for length in range(1, len(fields) + 1):
        key = sum(field << 9 * (length - 1 - place) for place, field in enumerate(fields[:length]))
        level = slice(ngrams.levels[length - 1], ngrams.levels[length])
        node = level.start + int(np.searchsorted(ngrams.keys_N[level], key))
        if node < level.stop and ngrams.keys_N[node] == key:
            result *= float(ngrams.backoffs_N[node])
            for entry in range(ngrams.first_N[node], ngrams.first_N[node + 1]):
                result += float(ngrams.weights_E[entry]) if ngrams.symbols_E[entry] == symbol else 0.0
    return result


def code_length(ngrams: Ngrams, documents: list[bytes]) -> float:
    bits = 0.0
    for document in documents:
        for position, symbol in enumerate([*document, 256]):
            bits -= np.log2(chance(ngrams, document[max(position - 5, 0) : position], symbol))
    return bits


def test_all_contexts_are_collected_and_the_chances_sum_to_one(ngrams: Ngrams) -> None:
    assert all(low < high for low, high in zip(ngrams.levels[:-1], ngrams.levels[1:], strict=True))
    for context in (b"", b"t", b"the c", b"zzzzz", b"zzthe"):
        assert sum(chance(ngrams, context, symbol) for symbol in range(257)) == pytest.approx(1, abs=1e-2)


def test_the_code_length_is_that_of_the_definition(ngrams: Ngrams, counts: GramCounts) -> None:
    assert share_out(ngrams, counts, leave_out=0).bits == pytest.approx(code_length(ngrams, [TEXT * 2, TEXT[20:]]))


def test_every_occurrence_is_shared_out(ngrams: Ngrams, counts: GramCounts) -> None:
    shares = share_out(ngrams, counts, leave_out=0.5)
    assert shares.root_S.sum() + shares.entries_E.sum() == pytest.approx(counts.counts_N.sum())


def test_fits_shorten_the_code(ngrams: Ngrams, counts: GramCounts) -> None:
    lengths = []
    for _ in range(4):
        shares = share_out(ngrams, counts, leave_out=0)
        lengths.append(shares.bits)
        ngrams = refit(ngrams, shares, min_backoff=0.005)
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] < lengths[0]


def test_leaving_occurrences_out_trusts_long_contexts_less(ngrams: Ngrams, counts: GramCounts) -> None:
    eager = refit(ngrams, share_out(ngrams, counts, leave_out=0), min_backoff=0.005)
    careful = refit(ngrams, share_out(ngrams, counts, leave_out=2), min_backoff=0.005)
    assert careful.backoffs_N.mean() > eager.backoffs_N.mean() + 0.05


def test_backoffs_have_a_least_share_and_the_chances_still_sum_to_one(ngrams: Ngrams, counts: GramCounts) -> None:
    fitted = refit(ngrams, share_out(ngrams, counts, leave_out=0), min_backoff=0.25)
    assert fitted.backoffs_N.min() == 0.25
    totals_N = np.add.reduceat(fitted.weights_E, fitted.first_N[:-1]) + fitted.backoffs_N
    assert totals_N == pytest.approx(1)


def test_parents_lack_the_oldest_symbol(ngrams: Ngrams) -> None:
    parents_N = ngrams.parents()
    assert (parents_N[: ngrams.levels[1]] == -1).all()
    deep = slice(ngrams.levels[1], None)
    assert (ngrams.keys_N[parents_N[deep]] == ngrams.keys_N[deep] >> np.uint64(9)).all()


def test_what_is_not_selected_backs_off(ngrams: Ngrams) -> None:
    keep_E = np.arange(len(ngrams.symbols_E)) % 3 > 0
    fewer = ngrams.select(keep_E)
    assert fewer.symbols_E.tolist() == ngrams.symbols_E[keep_E].tolist()
    assert len(fewer.keys_N) == fewer.levels[-1] == len(fewer.first_N) - 1
    totals_N = np.add.reduceat(fewer.weights_E, fewer.first_N[:-1]) + fewer.backoffs_N
    assert totals_N == pytest.approx(1, abs=5e-3)


def test_gains_predict_what_leaving_an_entry_out_costs(ngrams: Ngrams, counts: GramCounts) -> None:
    for _ in range(5):
        ngrams = refit(ngrams, share_out(ngrams, counts, leave_out=0.2), min_backoff=0.005)
    shares = share_out(ngrams, counts, leave_out=0)
    entry = int(np.argmax(shares.gains_E))
    without = share_out(ngrams.select(np.arange(len(ngrams.symbols_E)) != entry), counts, leave_out=0)
    assert without.bits - shares.bits == pytest.approx(shares.gains_E[entry], rel=0.3)


@pytest.mark.parametrize("order", [2, 4, 6])
def test_contexts_are_shorter_than_the_order(counts: GramCounts, order: int) -> None:
    ngrams = collect(counts, order=order, min_count=1, min_backoff=0.005)
    assert ngrams.levels[order - 1] == ngrams.levels[-1]
    assert ngrams.levels[order - 1] > ngrams.levels[order - 2]


def test_rare_ngrams_and_the_byte_255_are_left_out() -> None:
    ngrams = collect(count_grams([(b"abab\xff\xff\xff", 1)]), order=6, min_count=2, min_backoff=0.005)
    assert ngrams.counts_E.min() == 2
    assert 255 not in ngrams.symbols_E
    assert ngrams.root_S[255] == pytest.approx(3 / 8)
