"""Every codec gives back what it was given, and a codec that does not is seen."""

import pytest

from laconic.recipes.codecs import Codec, find_codecs, try_codec

TEXT = b"A held-out text, as texts go: not long, not short, and quite repetitive, quite repetitive. " * 30


@pytest.fixture(scope="module")
def codecs() -> list[Codec]:
    return find_codecs([TEXT[:500], b"more of the same"])


def test_all_round_trips_are_verified_and_counted(codecs: list[Codec]) -> None:
    rows = [try_codec(codec, TEXT) for codec in codecs]
    assert {"laconic default", "static-ac", "gzip -9", "bz2 -9", "xz -9e"} <= {row["name"] for row in rows}
    for row in rows:
        assert row["verified"], row
        assert row["bits_per_byte"] == 8 * row["compressed_bytes"] / len(TEXT)
        assert row["encode_mb_per_s"] > 0 and row["decode_mb_per_s"] > 0


def test_a_codec_that_loses_text_is_seen() -> None:
    lossy = Codec(name="lossy", encode=lambda data: data[:-1], decode=lambda code: code)
    assert not try_codec(lossy, TEXT)["verified"]
