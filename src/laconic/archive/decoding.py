"""From blocks back to text, each verified on its own; what strict reading, salvage and single blocks share."""

from collections.abc import Callable, Sequence

import xxhash

from laconic.archive.coding import MAX_ROWS, decode_texts
from laconic.archive.frames import Frame, Kind, most_symbols
from laconic.archive.header import Header
from laconic.archive.squeeze import expand
from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.registry import find_byte_lm
from laconic.errors import CorruptFileError, ModelMismatchError

MAX_BATCH_TEXT = 8 << 20
"""How much text of one batch is held in memory; one block more where a batch begins with large ones."""

SALVAGE_HINT = "laconic decompress --salvage recovers the other blocks"


def check_model(header: Header, model: AbstractByteLM | None) -> AbstractByteLM:
    """The model that a file needs.

    Args:
        header: of the file.
        model: the one that was named, or None to look among those that come with laconic.

    Raises:
        ModelMismatchError: another one was named, or none at hand is the right one.
    """
    if model is None:
        return find_byte_lm(header.fingerprint)
    if model.fingerprint != header.fingerprint:
        raise ModelMismatchError(
            f"the file was compressed with the byte model {header.fingerprint:016x}, not with {model.fingerprint:016x}"
            f" ({model.description}): name the right one with --model, or none if it came with laconic"
        )
    return model


def batch_is_full(frames: Sequence[Frame]) -> bool:
    """Whether the blocks gathered so far are to be decoded before more are read.

    Blocks are decoded side by side, so what they cost is their number times the longest text that one of them claims.
    """
    longest = max((frame.text_length for frame in frames), default=0)
    return len(frames) >= MAX_ROWS or len(frames) * longest >= MAX_BATCH_TEXT


def decode_blocks(
    blocks: Sequence[tuple[Frame, bytes]],
    model: AbstractByteLM,
    precision: int,
    report: Callable[[float], None] | None = None,
) -> list[bytes | CorruptFileError]:
    """The text of each block, or what is wrong with it.

    Args:
        blocks: frames and payloads; those of kind `coded` go through the model together.
        model: the one that the file names.
        precision: of the file.
        report: told now and then which part of the work is done, 0 to 1.
    """
    coded = [number for number, (frame, _) in enumerate(blocks) if frame.kind == Kind.CODED and _possible(frame, precision)]
    texts: dict[int, bytes] = {}
    if coded:
        codes, lengths = [blocks[number][1] for number in coded], [blocks[number][0].text_length for number in coded]
        texts = dict(zip(coded, decode_texts(codes, lengths, model, precision, report), strict=True))
    return [_verify(frame, payload, texts.get(number)) for number, (frame, payload) in enumerate(blocks)]


def _possible(frame: Frame, precision: int) -> bool:
    return frame.text_length <= most_symbols(frame.payload_length, precision)


def _verify(frame: Frame, payload: bytes, text: bytes | None) -> bytes | CorruptFileError:
    """The text of one block if it has the checksum that its frame states."""
    if frame.kind == Kind.RAW:
        text = payload
    elif frame.kind == Kind.XZ:
        try:
            text = expand(payload, frame.text_length)
        except CorruptFileError as error:
            return error
    if text is None:
        return CorruptFileError("it holds fewer bits than its text needs")
    if xxhash.xxh32_intdigest(text) != frame.checksum:
        return CorruptFileError("its text does not match its checksum")
    return text
