"""The summary: sums that agree, and losses in words."""

import json

import pytest

from laconic.archive.frames import Frame, Kind
from laconic.archive.summary import Loss, Summary


def test_blocks_add_up() -> None:
    summary = Summary(file_bytes=100)
    assert summary.bits_per_byte is None
    for kind, text, payload in ((Kind.CODED, 50, 20), (Kind.CODED, 30, 10), (Kind.RAW, 5, 5)):
        summary.add(Frame(kind=kind, text_length=text, payload_length=payload, checksum=0), payload + 9)
    assert (summary.blocks, summary.text_bytes, summary.bits_per_byte) == (3, 85, 800 / 85)
    assert summary.kinds["coded"].blocks == 2 and summary.kinds["coded"].file_bytes == 48
    assert summary.kinds["xz"].blocks == 0


def test_it_is_json() -> None:
    summary = Summary(losses=[Loss(file_start=1, file_stop=2, text_start=None, text_stop=9)])
    assert json.loads(json.dumps(summary.as_dict()))["losses"] == [
        {"file_start": 1, "file_stop": 2, "text_start": None, "text_stop": 9}
    ]


@pytest.mark.parametrize(
    "loss, words",
    [
        (
            Loss(file_start=16, file_stop=30, text_start=0, text_stop=64),
            "bytes 0 to 63 of the text (bytes 16 to 29 of the file)",
        ),
        (
            Loss(file_start=16, file_stop=16, text_start=5, text_stop=None),
            "text of unknown length, from byte 5 of the text on (what followed byte 16 of the file)",
        ),
        (
            Loss(file_start=16, file_stop=17, text_start=None, text_stop=None),
            "text of unknown length, somewhere in the text (bytes 16 to 16 of the file)",
        ),
    ],
)
def test_losses_in_words(loss: Loss, words: str) -> None:
    assert str(loss) == words
