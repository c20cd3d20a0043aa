"""The header: sixteen bytes that come back, and any change of which is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.archive.header import HEADER_BYTES, Header, guess_header, parse_header, short_check
from laconic.errors import CorruptFileError, FormatVersionError, LaconicError

headers = st.builds(Header, fingerprint=st.integers(0, 2**64 - 1), precision=st.integers(12, 24), single=st.booleans())


@given(headers, st.binary(max_size=5))
def test_round_trip(header: Header, following: bytes) -> None:
    packed = header.pack()
    assert len(packed) == HEADER_BYTES <= 24
    assert parse_header(packed + following) == header
    assert guess_header(packed) == header


@given(headers, st.integers(0, HEADER_BYTES - 1), st.integers(1, 255))
def test_every_changed_byte_is_noticed(header: Header, place: int, change: int) -> None:
    packed = bytearray(header.pack())
    packed[place] ^= change
    with pytest.raises(LaconicError):
        parse_header(bytes(packed))


@given(headers, st.integers(0, HEADER_BYTES - 1))
def test_every_cut_is_noticed(header: Header, length: int) -> None:
    with pytest.raises(CorruptFileError):
        parse_header(header.pack()[:length])


@pytest.mark.parametrize("place, value", [(4, 2), (4, 255), (5, 0x20 | 16), (5, 0x40 | 16)])
def test_a_newer_version_or_feature_is_told_from_damage(place: int, value: int) -> None:
    body = bytearray(Header(fingerprint=1, precision=16, single=False).pack()[:14])
    body[place] = value
    with pytest.raises(FormatVersionError, match="upgrade"):
        parse_header(bytes(body) + short_check(bytes(body)))


@pytest.mark.parametrize("precision", [0, 11, 25, 31])
def test_an_impossible_precision_is_refused_even_with_the_right_check(precision: int) -> None:
    body = bytearray(Header(fingerprint=1, precision=16, single=False).pack()[:14])
    body[5] = precision
    with pytest.raises(CorruptFileError, match="precision"):
        parse_header(bytes(body) + short_check(bytes(body)))
    assert guess_header(bytes(body) + b"??") is None


def test_other_files_are_named_by_how_they_begin() -> None:
    with pytest.raises(CorruptFileError, match="50 4b 03 04"):
        parse_header(b"PK\x03\x04 and so on, for more than sixteen bytes")
    with pytest.raises(CorruptFileError, match="is empty"):
        parse_header(b"")


@pytest.mark.parametrize("values", [{"precision": 11}, {"precision": 25}, {"fingerprint": -1}, {"fingerprint": 1 << 64}])
def test_impossible_headers_cannot_be_made(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        Header(**{"fingerprint": 0, "precision": 20, "single": True} | values)  # type: ignore[arg-type]
