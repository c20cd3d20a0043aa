"""GZip as a tokenizer: a document's deflate stream cut into tokens (arXiv 2404.03626, sections 3.3 and A.4).

The bytes depend on the build of zlib that wrote them: any zlib reads them back, but another may write other ids for the
same text. Compare ids only between runs on one machine.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Int32, Int64, UInt16

from laconic.codec.bits import bytes_to_tokens, check_token_bits, tokens_to_bytes
from laconic.errors import CorruptFileError, UsageError
from laconic.shapes import EOS
from laconic.tokens.base import AbstractTokenizer, check_ids, check_symbols

MAX_BYTES = 1 << 28
"""The longest document, in bytes with its escapes: deflate can hold a thousand times its own size, damaged or not."""
_ESCAPE = 0xFF
"""A byte that never occurs in UTF-8. It announces itself (then 0), or symbol 256 (then 1)."""
_ITSELF, _END = 0, 1


@dataclass(frozen=True, kw_only=True)
class GZipConfig:
    """How documents are squeezed and cut.

    Attributes:
        token_bits: bits per token, 8 or 16.
        header: keep zlib's two bytes in front and its four-byte checksum behind, as the paper's main runs do.
    """

    token_bits: int = 16
    header: bool = True

    def __post_init__(self) -> None:
        check_token_bits(self.token_bits)


@final
class GZipTokenizer(AbstractTokenizer):
    """Documents squeezed by zlib at its default level. Ids mean something only together."""

    def __init__(self, config: GZipConfig) -> None:
        self._config = config

    @property
    def name(self) -> str:
        """Such as `gzip[65536]`, with `,no-header` where there is none."""
        return f"gzip[{self.vocab_size}{'' if self._config.header else ',no-header'}]"

    @property
    def vocab_size(self) -> int:
        """256 or 65,536."""
        return 1 << self._config.token_bits

    @property
    def eos_id(self) -> int | None:
        """None: symbol 256 is squeezed with the rest."""
        return None

    @property
    def ids_stand_alone(self) -> bool:
        """False."""
        return False

    def encode_batch(self, documents: Sequence[UInt16[np.ndarray, "_"]]) -> list[Int32[np.ndarray, "_"]]:
        """Squeeze each document.

        Raises:
            UsageError: a document of more than `MAX_BYTES` bytes, which `decode_batch` would not take.
        """
        check_symbols(documents)
        return [bytes_to_tokens(self._squeeze(_escape(symbols)), self._config.token_bits) for symbols in documents]

    def decode_batch(self, ids: Sequence[Int32[np.ndarray, "_"]]) -> list[UInt16[np.ndarray, "_"]]:
        """Expand each document. Even the empty one has ids: none at all are refused."""
        check_ids(ids, self.vocab_size)
        return [_unescape(self._expand(tokens_to_bytes(ids_T, self._config.token_bits))) for ids_T in ids]

    def spans(self, ids: Int32[np.ndarray, "_"]) -> Int64[np.ndarray, "N 2"]:
        """One run: the document."""
        return np.array([[ids.size, self.decode_batch([ids])[0].size]], np.int64)

    def settings(self) -> dict[str, Any]:
        """All there is to know."""
        return {"kind": "gzip", "token_bits": self._config.token_bits, "header": self._config.header}

    def save_files(self, folder: Path) -> list[str]:
        """Nothing beyond the settings."""
        return []

    @property
    def _window(self) -> int:
        """zlib's way to say whether there is a header."""
        return zlib.MAX_WBITS if self._config.header else -zlib.MAX_WBITS

    def _squeeze(self, data: bytes) -> bytes:
        if len(data) > MAX_BYTES:
            raise UsageError(f"a document has {len(data)} bytes, but {self.name} takes up to {MAX_BYTES}: cut it into several")
        squeezer = zlib.compressobj(wbits=self._window)
        return squeezer.compress(data) + squeezer.flush()

    def _expand(self, data: bytes) -> bytes:
        expander = zlib.decompressobj(wbits=self._window)
        try:
            text = expander.decompress(data, MAX_BYTES + 1)
        except zlib.error as error:
            raise CorruptFileError(f"the ids are no deflate stream ({error}): use the ids of one whole document") from error
        if len(text) > MAX_BYTES:
            raise CorruptFileError(f"the ids hold more than {MAX_BYTES} bytes: use the ids of one whole document")
        padding = self._config.token_bits // 8 - 1
        if not expander.eof or len(expander.unused_data) > padding or any(expander.unused_data):
            raise CorruptFileError("the ids are cut off, or more than one document: use the ids of one whole document")
        return text


def _escape(symbols: UInt16[np.ndarray, "_"]) -> bytes:
    """Spell symbols as bytes: the escape byte and symbol 256 in two, all others in one."""
    special = symbols >= _ESCAPE
    places = np.arange(symbols.size) + np.cumsum(special) - special
    spelt = np.empty(symbols.size + int(special.sum()), np.uint8)
    spelt[places] = np.minimum(symbols, _ESCAPE)
    spelt[places[special] + 1] = np.where(symbols[special] == EOS, _END, _ITSELF)
    return spelt.tobytes()


def _unescape(data: bytes) -> UInt16[np.ndarray, "_"]:
    """Invert `_escape`: what follows an escape byte says what the two stand for."""
    spelt = np.frombuffer(data, np.uint8)
    escapes = np.flatnonzero(spelt == _ESCAPE)
    if escapes.size and (escapes[-1] + 1 == spelt.size or spelt[escapes + 1].max() > _END):
        raise CorruptFileError("the ids hold an escape that means nothing: use the tokenizer that made them")
    symbols = spelt.astype(np.uint16)
    symbols[escapes] += spelt[escapes + 1]
    return np.delete(symbols, escapes + 1)
