"""Equal-Info windows as a tokenizer (Lester et al. 2024, arXiv 2404.03626): every window of text fits the same few bits.

With `bits = token_bits = 16`, the paper's best, one token is one window, and each id stands for one text wherever it
occurs. With `bits=24` and 16-bit tokens, tokens cross the borders of windows.

Exact windows of few bits are compiled (`laconic.tokens.compiling`): into a codebook that says the same as the byte model,
hundreds of times as fast.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import lcm
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
from jaxtyping import Int32, Int64, UInt16

from laconic.bytelm.base import AbstractByteLM
from laconic.codec.bits import check_token_bits, codes_to_tokens, short_codes_to_tokens, tokens_to_codes, tokens_to_short_codes
from laconic.codec.codebook import Codebook
from laconic.codec.windows import Reading
from laconic.errors import LaconicError
from laconic.tokens.base import AbstractTokenizer, check_ids, check_symbols
from laconic.tokens.byte_model import byte_model_settings, save_byte_model
from laconic.tokens.codebook_file import CODEBOOK_FILE, write_codebook
from laconic.tokens.compiling import compile_windows, refuse_to_compile
from laconic.tokens.expand import expand
from laconic.tokens.segment import NEVER, WindowFormat, segment

COMPILED_UNASKED = 20
"""Windows of up to so many bits are compiled once as many symbols or ids have been worked on as there are codes."""

COMPILED_WHEN_SAVED = 16
"""Windows of up to so many bits are compiled before they are saved or pickled."""


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
    """Text as windows of equal information under a byte model.

    Args:
        model: the byte model.
        config: how text is cut.
        codebook: what `compile_windows` makes of both, if it is at hand.
    """

    def __init__(self, model: AbstractByteLM, config: EqualInfoConfig, codebook: Codebook | None = None) -> None:
        self._model = model
        self._config = config
        self._codebook = codebook
        self._worked_on = 0
        self._compiles = refuse_to_compile(config.windows) is None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with the codebook, so that whoever gets a copy need not compile, and all pickles are alike."""
        return EqualInfoTokenizer, (self._model, self._config, self.compile_short())

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

    @property
    def codebook(self) -> Codebook | None:
        """The codebook, once windows are compiled."""
        return self._codebook

    def compile(self, progress: Callable[[int], None] = lambda codes: None) -> Codebook:
        """Compile the windows now, if they are not; see `compile_windows` for arguments and errors."""
        if self._codebook is None:
            self._codebook = compile_windows(self._model, self._config.windows, progress=progress)
        return self._codebook

    def compile_short(self, progress: Callable[[int], None] = lambda codes: None) -> Codebook | None:
        """Compile the windows if they are short, as happens before a tokenizer is saved or pickled; the codebook, if any."""
        return self._compile_up_to(COMPILED_WHEN_SAVED, progress)

    def encode_batch(self, documents: Sequence[UInt16[np.ndarray, "_"]]) -> list[Int32[np.ndarray, "_"]]:
        """Cut each document into windows, and these into tokens; the last token is filled with zero bits."""
        check_symbols(documents)
        config = self._config
        book = self._book_for(sum(document.size for document in documents))
        if book is None:
            windows = segment(documents, self._model, config.windows)
            return [codes_to_tokens(document.codes, config.bits, config.token_bits) for document in windows]
        return [self._tokens_of(book.encode(document)) for document in documents]

    def decode_batch(self, ids: Sequence[Int32[np.ndarray, "_"]]) -> list[UInt16[np.ndarray, "_"]]:
        """Decode all windows of all documents. Hazard: with the reading `paper` the text is often another one."""
        book = self._book_for(sum(ids_T.size for ids_T in ids))
        if book is None:
            return [symbols for symbols, _ in self._expand(ids)]
        return [book.decode(self._codes_of(ids_T)) for ids_T in ids]

    def _expand(self, ids: Sequence[Int32[np.ndarray, "_"]]) -> list[tuple[UInt16[np.ndarray, "_"], Int64[np.ndarray, "_"]]]:
        check_ids(ids, self.vocab_size)
        config = self._config
        codes = [tokens_to_codes(ids_T, config.bits, config.token_bits) for ids_T in ids]
        return expand(codes, self._model, config.windows)

    def _tokens_of(self, codes_N: Int32[np.ndarray, "N"]) -> Int32[np.ndarray, "_"]:
        """Codes of a book as tokens."""
        bits, token_bits = self._config.bits, self._config.token_bits
        return codes_N if bits == token_bits else short_codes_to_tokens(codes_N, bits, token_bits)

    def _codes_of(self, ids_T: Int32[np.ndarray, "_"]) -> Int32[np.ndarray, "N"]:
        """Tokens as codes of a book, which checks codes itself."""
        bits, token_bits = self._config.bits, self._config.token_bits
        if bits == token_bits:
            return ids_T
        check_ids([ids_T], self.vocab_size)
        return tokens_to_short_codes(ids_T, bits, token_bits)

    def _book_for(self, size: int) -> Codebook | None:
        """The codebook, for working on so many symbols or ids; None while working without one costs less in all."""
        self._worked_on += size
        if self._worked_on >= 1 << self._config.bits:
            self._compile_up_to(COMPILED_UNASKED)
        return self._codebook

    def _compile_up_to(self, bits: int, progress: Callable[[int], None] = lambda codes: None) -> Codebook | None:
        """Compile windows of at most so many bits, if they can be compiled at all; the codebook, if there is one."""
        if self._codebook is None and self._compiles and self._config.bits <= bits:
            try:
                self.compile(progress)
            except LaconicError:
                self._compiles = False
        return self._codebook

    def spans(self, ids: Int32[np.ndarray, "_"]) -> Int64[np.ndarray, "N 2"]:
        """One run per window, or per few windows where tokens cross their borders."""
        lengths_N = self._expand([ids])[0][1] if self._codebook is None else self._codebook.lengths(self._codes_of(ids))
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
        """Write the byte model, if it does not come with laconic, and the codebook."""
        names = save_byte_model(self._model, folder)
        book = self.compile_short()
        if book is None:
            return names
        write_codebook(book, self.codebook_made_from, folder / CODEBOOK_FILE)
        return [*names, CODEBOOK_FILE]

    @property
    def codebook_made_from(self) -> dict[str, Any]:
        """What a codebook of these windows is made from, as JSON values."""
        config = self._config
        return {
            "bits": config.bits,
            "precision": config.precision,
            "reading": config.reading,
            "byte_model": f"{self._model.fingerprint:016x}",
        }
