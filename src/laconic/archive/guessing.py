"""Which model and precision a file with a damaged header needs: found out by trying them on its first coded blocks."""

import itertools
from collections.abc import Iterator

from laconic.archive.decoding import decode_blocks
from laconic.archive.frames import Frame, Kind
from laconic.archive.header import HEADER_BYTES, Header, guess_header
from laconic.archive.places import frame_at, next_frame, read_at
from laconic.archive.ports import FileSource
from laconic.bytelm.base import MAX_PRECISION, MIN_PRECISION, AbstractByteLM
from laconic.bytelm.registry import find_byte_lm, load_byte_lm
from laconic.errors import CorruptFileError, ModelMismatchError

_PRECISIONS = (20, 16, 24, *range(MIN_PRECISION, MAX_PRECISION + 1))
"""The likeliest first."""

_TRIALS = 2


def guess_model(source: FileSource, file_bytes: int, model: AbstractByteLM | None) -> tuple[AbstractByteLM, int]:
    """The model and precision that read one of the first coded blocks, else the likeliest ones.

    Args:
        source: a file in which one can jump.
        file_bytes: its length.
        model: the only one to try, when one was named.

    Raises:
        CorruptFileError: there is not a single block in this file.
        MissingExtraError: a quick model does not read it, and a slow one needs a package that is not installed.
    """
    header = guess_header(read_at(source, 0, HEADER_BYTES))
    precisions = list(dict.fromkeys(([header.precision] if header else []) + list(_PRECISIONS)))
    trials = _first_coded(source, file_bytes)
    candidates = _likely_models(header) if model is None else iter([model])
    likeliest = next(candidates)
    for candidate in itertools.chain([likeliest], candidates) if trials else ():
        for precision in precisions:
            if any(isinstance(text, bytes) for text in decode_blocks(trials, candidate, precision)):
                return candidate, precision
    return likeliest, precisions[0]


def _likely_models(header: Header | None) -> Iterator[AbstractByteLM]:
    """The model that the damaged header seems to name, else those that come with laconic, each once, quick ones first."""
    if header is not None:
        try:
            yield find_byte_lm(header.fingerprint)
        except ModelMismatchError:
            pass
        else:
            return
    seen = set[int]()
    for name in ("light", "uniform", "default"):
        model = load_byte_lm(name)
        if model.fingerprint not in seen:
            seen.add(model.fingerprint)
            yield model


def _first_coded(source: FileSource, file_bytes: int) -> list[tuple[Frame, bytes]]:
    """The first coded blocks of a file, whatever lies between them."""
    found: list[tuple[Frame, bytes]] = []
    seen, position = False, 0
    while len(found) < _TRIALS and (position := next_frame(source, position, file_bytes)) < file_bytes:
        frame, position = frame_at(source, position, file_bytes)
        if isinstance(frame, Frame):
            seen = True
            if frame.kind == Kind.CODED:
                found.append((frame, read_at(source, position, frame.payload_length)))
            position += frame.payload_length
    if not seen:
        raise CorruptFileError("there is not a single undamaged block frame in this file: is it one that laconic compressed?")
    return found
