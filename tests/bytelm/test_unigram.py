import numpy as np
import pytest

from laconic.bytelm.base import CountFormat
from laconic.bytelm.files import ModelFile
from laconic.bytelm.unigram import UnigramByteLM
from laconic.errors import CorruptFileError


def test_counts_follow_the_frequencies() -> None:
    model = UnigramByteLM.train([b"aaab", b"aa"])
    counts_S = np.diff(model.start(1, CountFormat(precision=20)).cumulative()[0].astype(np.int64))
    assert counts_S.sum() == 1 << 20
    shares = counts_S / (1 << 20)
    assert shares[[97, 98, 256]] == pytest.approx([5 / 8, 1 / 8, 2 / 8], abs=1e-3)
    assert counts_S[0] == 1


def test_without_the_end_of_a_document_its_share_goes_to_the_bytes() -> None:
    model = UnigramByteLM.train([b"aaab", b"aa"])
    counts_S = np.diff(model.start(1, CountFormat(precision=20, eos=False)).cumulative()[0].astype(np.int64))
    assert counts_S[97] / counts_S.sum() == pytest.approx(5 / 6, abs=1e-3)


def test_steps_and_counts_and_ranges_agree() -> None:
    model, form, symbols_BT = UnigramByteLM.train([b"hello"]), CountFormat(precision=12), np.array([[104, 0]], dtype=np.uint16)
    counts_BTC = model.counts(symbols_BT, form)
    starts_BT, stops_BT = model.ranges(symbols_BT, np.array([2]), form)
    assert (counts_BTC[0] == model.start(1, form).step(np.array([104]))).all()
    assert starts_BT[0].tolist() == [counts_BTC[0, 0, 104], 0]
    assert stops_BT[0].tolist() == [counts_BTC[0, 0, 105], 1]


def test_a_saved_model_has_the_same_fingerprint_and_other_weights_another() -> None:
    model = UnigramByteLM.train([b"hello"], trained_on="a greeting")
    again = UnigramByteLM.from_file(model.to_file())
    assert again.fingerprint == model.fingerprint
    assert again.description == model.description == "unigram: byte frequencies of a greeting"
    assert UnigramByteLM.train([b"hullo"]).fingerprint != model.fingerprint


def test_the_description_is_no_part_of_the_fingerprint() -> None:
    assert UnigramByteLM.train([b"x"], trained_on="a").fingerprint == UnigramByteLM.train([b"x"], trained_on="b").fingerprint


def test_no_byte_to_count_is_refused() -> None:
    with pytest.raises(ValueError, match="documents holds no byte"):
        UnigramByteLM.train([b"", b""])


@pytest.mark.parametrize(
    "weights_S",
    [
        np.zeros(257, "<u4"),
        np.full(257, 1 << 30, "<u4"),
        np.ones(256, "<u4"),
        np.ones(257, "<u2"),
        np.ones((1, 257), "<u4"),
    ],
)
def test_unusable_weights_are_refused(weights_S: np.ndarray) -> None:
    file = ModelFile(kind="unigram", config={}, description="", tensors={"weights_S": weights_S})
    with pytest.raises(CorruptFileError, match="unigram model"):
        UnigramByteLM.from_file(file)
