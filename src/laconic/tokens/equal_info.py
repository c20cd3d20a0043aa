"""Equal-Info windows as a tokenizer (Lester et al. 2024, arXiv 2404.03626): every window of text fits the same few bits.

With `bits = token_bits = 16`, the paper's best, one token is one window, and each id stands for one text wherever it
occurs. With `bits=24` and 16-bit tokens, tokens cross the borders of windows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
from jaxtyping import Int32, Int64, UInt16

from laconic.bytelm.base import AbstractByteLM
from laconic.codec.bits import check_token_bits, codes_to_tokens, tokens_to_codes
from laconic.codec.windows import Reading
from laconic.tokens.base import AbstractTokenizer, check_ids, check_symbols
from laconic.tokens.byte_model import byte_model_settings, save_byte_model
from laconic.tokens.expand import expand
from laconic.tokens.segment import NEVER, WindowFormat, segment


@dataclass(frozen=True, kw_only=True)
class EqualInfoConfig:
    """How text is cut into windows, and windows into tokens.

    Attributes:
        bits: bits per window, 16 to 128.
        token_bits: bits per token, 8 or 16.
        reading: `exact` is lossless and the default; `delay` is lossless and longer; `paper`, as published, is **not**
            lossless: about a quarter of its windows decode to more text than they were made from.
        reset: when the byte model forgets: `every` window, every k-th (1 to 2**31 - 1), or `never` within a document. The
            arithmetic coder starts anew at each window in any case.
        precision: counts of the byte model sum to `2**precision`; 12 to 24 bits, and at most `bits`.
    """

    bits: int = 16
    token_bits: int = 16
    reading: Reading = "exact"
    reset: int | Literal["every", "never"] = "every"
    precision: int = 16

    def __post_init__(self) -> None:
        check_token_bits(self.token_bits)
        if self.reset not in ("every", "never") and (type(self.reset) is not int or not 1 <= self.reset < 1 << 31):
            raise ValueError(
                f"reset is {self.reset!r}, but must be every, never or a whole number of windows from 1 to 2**31 - 1"
            )
        _ = self.windows

    @property
    def windows(self) -> WindowFormat:
        """What the windows alone need to know."""
        per_context = {"every": 1, "never": NEVER}[self.reset] if isinstance(self.reset, str) else self.reset
        return WindowFormat(bits=self.bits, precision=self.precision, reading=self.reading, windows_per_context=per_context)


@final
class EqualInfoTokenizer(AbstractTokenizer):
    """Text as windows of equal information under a byte model."""

    def __init__(self, model: AbstractByteLM, config: EqualInfoConfig) -> None:
        self._model = model
        self._config = config

    @property
    def name(self) -> str:
        """Such as `equal-info[16,65536]`: bits per window and vocabulary, then what is not the default."""
        config = self._config
        extras: list[str] = [config.reading] if config.reading != "exact" else []
        if config.windows.windows_per_context != 1:
            extras.append(f"reset={config.reset}")
        return f"equal-info[{','.join([str(config.bits), str(self.vocab_size), *extras])}]"

    @property
    def vocab_size(self) -> int:
        """256 or 65,536."""
        return 1 << self._config.token_bits

    @property
    def eos_id(self) -> int | None:
        """None: symbol 256 shares windows with the text before and behind it."""
        return None

    @property
    def ids_stand_alone(self) -> bool:
        """True where one token is one window, and each begins with an empty context."""
        return self._config.bits == self._config.token_bits and self._config.windows.windows_per_context == 1

    @property
    def lossless(self) -> bool:
        """Whether decoding gives back what was encoded: not so for the reading `paper`."""
        return self._config.reading != "paper"

    @property
    def window_bits(self) -> int:
        """Bits per window."""
        return self._config.bits

    def encode_batch(self, documents: Sequence[UInt16[np.ndarray, "_"]]) -> list[Int32[np.ndarray, "_"]]:
        """Cut each document into windows, and these into tokens; the last token is filled with zero bits."""
        check_symbols(documents)
        config = self._config
        windows = segment(documents, self._model, config.windows)
        return [codes_to_tokens(document.codes, config.bits, config.token_bits) for document in windows]

    def decode_batch(self, ids: Sequence[Int32[np.ndarray, "_"]]) -> list[UInt16[np.ndarray, "_"]]:
        """Decode all windows of all documents. Hazard: with the reading `paper` the text is often another one."""
        return [symbols for symbols, _ in self._expand(ids)]

    def _expand(self, ids: Sequence[Int32[np.ndarray, "_"]]) -> list[tuple[UInt16[np.ndarray, "_"], Int64[np.ndarray, "_"]]]:
        check_ids(ids, self.vocab_size)
        config = self._config
        codes = [tokens_to_codes(ids_T, config.bits, config.token_bits) for ids_T in ids]
        return expand(codes, self._model, config.windows)

    def spans(self, ids: Int32[np.ndarray, "_"]) -> Int64[np.ndarray, "N 2"]:
        """One run per window, or per few windows where tokens cross their borders."""
        _, lengths_N = self._expand([ids])[0]
        bits, token_bits = self._config.bits, self._config.token_bits
        windows = lcm(bits, token_bits) // bits
        begins = np.arange(0, lengths_N.size, windows)
        tokens_N = np.diff(np.append(begins * bits // token_bits, ids.size))
        return np.stack([tokens_N, np.add.reduceat(lengths_N, begins) if begins.size else lengths_N], axis=1)

    def settings(self) -> dict[str, Any]:
        """The config and the name of the byte model."""
        config = self._config
        chosen = {
            "kind": "equal-info",
            "bits": config.bits,
            "token_bits": config.token_bits,
            "reading": config.reading,
            "reset": config.reset,
            "precision": config.precision,
        }
        return chosen | byte_model_settings(self._model)

    def save_files(self, folder: Path) -> list[str]:
        """Write the byte model, if it does not come with laconic."""
        return save_byte_model(self._model, folder)
