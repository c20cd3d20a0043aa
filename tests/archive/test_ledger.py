"""The ledger: where lost text lay, as far as it can be known."""

from laconic.archive.index import Index
from laconic.archive.ledger import Ledger

KEPT, LOST = True, False


def spans(ledger: Ledger, text_length: int | None) -> list[tuple[int | None, int | None]]:
    return [(loss.text_start, loss.text_stop) for loss in ledger.losses(text_length)]


def test_known_lengths_give_exact_places() -> None:
    ledger = Ledger(None)
    for kept, start, stop, length in (
        (KEPT, 16, 30, 100),
        (LOST, 30, 50, 60),
        (KEPT, 50, 60, 40),
        (LOST, 60, 61, 5),
        (LOST, 61, 62, 5),
    ):
        ledger.note(kept, start, stop, length)
    assert spans(ledger, None) == [(100, 160), (200, 210)]


def test_one_unknown_length_follows_from_the_length_of_the_text() -> None:
    ledger = Ledger(None)
    ledger.note(KEPT, 16, 30, 100)
    ledger.note(LOST, 30, 50, None)
    ledger.note(KEPT, 50, 60, 40)
    ledger.note(LOST, 60, 70, 7)
    ledger.note(KEPT, 70, 80, 3)
    assert spans(ledger, 200) == [(100, 150), (190, 197)]


def test_two_unknown_lengths_stay_unknown_without_an_index() -> None:
    ledger = Ledger(None)
    for kept, start, stop, length in ((LOST, 16, 30, None), (KEPT, 30, 50, 40), (LOST, 50, 60, None), (KEPT, 60, 70, 5)):
        ledger.note(kept, start, stop, length)
    assert spans(ledger, 100) == [(0, None), (None, 95)]


def test_the_index_settles_them() -> None:
    ledger = Ledger(Index(stride=1, text_offsets=(0, 10, 50, 80, 100), file_offsets=(16, 30, 50, 60, 70)))
    for kept, start, stop, length in ((LOST, 16, 30, None), (KEPT, 30, 50, 40), (LOST, 50, 60, None), (KEPT, 60, 70, 20)):
        ledger.note(kept, start, stop, length)
    assert spans(ledger, 100) == [(0, 10), (50, 80)]


def test_an_index_with_gaps_places_a_kept_stretch_by_any_of_its_blocks() -> None:
    ledger = Ledger(Index(stride=2, text_offsets=(0, 50, 100), file_offsets=(16, 50, 70)))
    for kept, start, stop, length in ((LOST, 16, 30, None), (KEPT, 30, 50, 40), (KEPT, 50, 60, 30), (LOST, 60, 70, None)):
        ledger.note(kept, start, stop, length)
    assert spans(ledger, 100) == [(0, 10), (80, 100)]


def test_a_cut_file_has_lost_an_unknown_end() -> None:
    ledger = Ledger(None)
    ledger.note(KEPT, 16, 30, 100)
    ledger.note(LOST, 30, 30, None)
    (loss,) = ledger.losses(None)
    assert (loss.text_start, loss.text_stop, loss.file_start, loss.file_stop) == (100, None, 30, 30)
    assert Ledger(None).losses(0) == []
