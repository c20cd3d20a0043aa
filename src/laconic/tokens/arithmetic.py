"""Arithmetic coding as a tokenizer: a whole document as one code under a byte model, cut into tokens.

A code does not say where it ends: behind its last symbol any number of likely symbols may seem to follow. So the number
of symbols goes in front, in bytes of seven bits (LEB128): one byte for up to 127 symbols, two for the paper's examples of
10,240. An end marker inside the code would cost as much (symbol 256 is rare, hence long) and every true symbol 256 an
escape; and in examples of one length the number is the same each time, so that a language model learns it for nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Int32, Int64, UInt16

from laconic.bytelm.base import AbstractByteLM, CountFormat, pad_rows
from laconic.codec.arithmetic import Decoder, Encoder
from laconic.codec.bits import bytes_to_tokens, check_token_bits, tokens_to_bytes
from laconic.errors import CorruptFileError, UsageError
from laconic.tokens.base import AbstractTokenizer, check_ids, check_symbols
from laconic.tokens.byte_model import byte_model_settings, save_byte_model

MAX_SYMBOLS = 1 << 28
"""The longest document: what a few damaged ids can make the decoder set aside is twice as many bytes, and no more."""
_BATCH_SYMBOLS = 1 << 22
"""How many symbols, padding included, are given to the byte model at once: 10 bytes of memory each."""
_ROWS = 256


@dataclass(frozen=True, kw_only=True)
class ArithmeticConfig:
    """How documents are coded and cut.

    Attributes:
        token_bits: bits per token, 8 or 16.
        precision: counts of the byte model sum to `2**precision`, 12 to 24 bits.
        label: what the tokenizer is called: `ac`, or `static-ac` where the byte model knows no context.
    """

    token_bits: int = 16
    precision: int = 16
    label: str = "ac"

    def __post_init__(self) -> None:
        check_token_bits(self.token_bits)
        CountFormat(precision=self.precision)
        if self.label not in ("ac", "static-ac"):
            raise ValueError(f"label is {self.label!r}, but must be ac or static-ac")


@final
class ArithmeticTokenizer(AbstractTokenizer):
    """Documents as arithmetic codes. Ids mean something only together, and a wrong one garbles all that follows."""

    def __init__(self, model: AbstractByteLM, config: ArithmeticConfig) -> None:
        self._model = model
        self._config = config
        self._form = CountFormat(precision=config.precision, eos=True)

    @property
    def name(self) -> str:
        """Such as `ac[65536]`."""
        return f"{self._config.label}[{self.vocab_size}]"

    @property
    def vocab_size(self) -> int:
        """256 or 65,536."""
        return 1 << self._config.token_bits

    @property
    def eos_id(self) -> int | None:
        """None: symbol 256 is coded with the rest."""
        return None

    @property
    def ids_stand_alone(self) -> bool:
        """False."""
        return False

    def encode_batch(self, documents: Sequence[UInt16[np.ndarray, "_"]]) -> list[Int32[np.ndarray, "_"]]:
        """Code each document from an empty context.

        Raises:
            UsageError: a document of more than `MAX_SYMBOLS` symbols, which `decode_batch` would not take.
        """
        check_symbols(documents)
        longest = max((symbols.size for symbols in documents), default=0)
        if longest > MAX_SYMBOLS:
            raise UsageError(
                f"a document has {longest} symbols, but {self.name} takes up to {MAX_SYMBOLS}: cut it into several"
            )
        ids: list[Int32[np.ndarray, "_"]] = [np.zeros(0, np.int32)] * len(documents)
        for chosen in _groups_by_length([symbols.size for symbols in documents], _BATCH_SYMBOLS):
            for i, (code, _) in zip(chosen, self._codes([documents[i] for i in chosen]), strict=True):
                ids[i] = bytes_to_tokens(_write_number(documents[i].size) + code, self._config.token_bits)
        return ids

    def _codes(self, documents: list[UInt16[np.ndarray, "_"]]) -> list[tuple[bytes, int]]:
        symbols_BT, lengths_B = pad_rows(documents)
        starts_BT, stops_BT = self._model.ranges(symbols_BT, lengths_B, self._form)
        encoder = Encoder(len(documents), self._config.precision)
        encoder.push(starts_BT, stops_BT, lengths_B)
        return encoder.finish()

    def decode_batch(self, ids: Sequence[Int32[np.ndarray, "_"]]) -> list[UInt16[np.ndarray, "_"]]:
        """Decode each document. Hazard: altered ids decode to other text, unless their number of symbols is absurd."""
        check_ids(ids, self.vocab_size)
        numbered = [self._read(ids_T) for ids_T in ids]
        documents: list[UInt16[np.ndarray, "_"]] = [np.zeros(0, np.uint16)] * len(ids)
        for chosen in _groups_by_length([number for number, _ in numbered], _BATCH_SYMBOLS):
            symbols_BT = self._decode([numbered[i] for i in chosen])
            for i, symbols_T in zip(chosen, symbols_BT, strict=True):
                documents[i] = symbols_T[: numbered[i][0]].copy()
        return documents

    def _decode(self, numbered: list[tuple[int, bytes]]) -> UInt16[np.ndarray, "B T"]:
        numbers_B = np.array([number for number, _ in numbered], np.int64)
        symbols_BT = np.zeros((len(numbered), int(numbers_B.max(initial=0))), np.uint16)
        decoder = Decoder([code for _, code in numbered], self._config.precision)
        session = self._model.start(len(numbered), self._form)
        for step in range(symbols_BT.shape[1]):
            symbols_B = decoder.pull(session.cumulative(), step < numbers_B)
            session.append(symbols_B)
            symbols_BT[:, step] = np.maximum(symbols_B, 0)
        return symbols_BT

    def _read(self, ids_T: Int32[np.ndarray, "T"]) -> tuple[int, bytes]:
        """The number of symbols, at most `MAX_SYMBOLS` and what so short a code can hold, and the code."""
        number, code = _read_number(tokens_to_bytes(ids_T, self._config.token_bits))
        likeliest = 1 - 256 / self._form.total
        most = (8 * len(code) + 2) / -np.log2(likeliest)
        if number > min(most, MAX_SYMBOLS):
            raise CorruptFileError(f"the ids claim {number} symbols in {len(code)} bytes: use the ids of one whole document")
        return number, code

    def spans(self, ids: Int32[np.ndarray, "_"]) -> Int64[np.ndarray, "N 2"]:
        """One run: the document."""
        check_ids([ids], self.vocab_size)
        return np.array([[ids.size, self._read(ids)[0]]], np.int64)

    def settings(self) -> dict[str, Any]:
        """The config and the name of the byte model."""
        config = self._config
        chosen = {"kind": config.label, "token_bits": config.token_bits, "precision": config.precision}
        return chosen | byte_model_settings(self._model)

    def save_files(self, folder: Path) -> list[str]:
        """Write the byte model, if it does not come with laconic."""
        return save_byte_model(self._model, folder)


def _groups_by_length(lengths: list[int], most: int) -> Iterator[list[int]]:
    """Put documents of like length together, so that little is padded: lists of places, longest documents first."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    while order:
        rows = max(1, min(_ROWS, most // max(1, lengths[order[0]])))
        yield order[:rows]
        order = order[rows:]


def _write_number(number: int) -> bytes:
    """Seven bits to a byte, the lowest first; the high bit says that more follow."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def _read_number(data: bytes) -> tuple[int, bytes]:
    """Invert `_write_number`; returns also what follows it."""
    number = 0
    for place, byte in enumerate(data[:9]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, data[place + 1 :]
    raise CorruptFileError("the ids do not begin with a number of symbols: use the ids of one whole document")
