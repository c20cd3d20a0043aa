"""The face that Hugging Face code looks for, on any tokenizer, without importing a line of `transformers`.

It is what `laconic.load_tokenizer` returns: an `AbstractTokenizer` that also can be called, pads batches for data
collators, goes through `datasets.map` (also with several processes), and is saved beside a model.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
from jaxtyping import Int32, Int64, UInt16

from laconic.tokens.base import EOS_TOKEN, AbstractTokenizer, symbols_of
from laconic.tokens.folder import load_folder, save_folder
from laconic.tokens.padding import Padding, TensorKind, gather_columns, pad_columns, target_length, to_tensors
from laconic.tokens.view import show_symbols

PAD_TOKEN = "<pad>"


@final
class Tokenizer(AbstractTokenizer):
    """Any tokenizer, with the attributes and methods of `transformers` tokenizers that training needs.

    Ids and texts are those of the tokenizer inside, `core`. Nothing is added in front of or behind a text: an end of
    document is a symbol of the corpus, not a decoration.
    """

    model_input_names: tuple[str, str] = ("input_ids", "attention_mask")
    padding_side: Literal["left", "right"] = "right"
    pad_token = PAD_TOKEN
    unk_token = None
    mask_token = None
    bos_token = PAD_TOKEN
    is_fast = False

    def __init__(self, core: AbstractTokenizer) -> None:
        self.core = core

    @property
    def name(self) -> str:
        """The name of the tokenizer inside."""
        return self.core.name

    @property
    def vocab_size(self) -> int:
        """How many ids carry text; `len()` counts the padding id too, and is what an embedding table needs."""
        return self.core.vocab_size

    @property
    def eos_id(self) -> int | None:
        """The id of symbol 256, where it has one."""
        return self.core.eos_id

    @property
    def ids_stand_alone(self) -> bool:
        """Whether each id stands for the same text wherever it occurs."""
        return self.core.ids_stand_alone

    def encode_batch(self, documents: Sequence[UInt16[np.ndarray, "_"]]) -> list[Int32[np.ndarray, "_"]]:
        """As the tokenizer inside."""
        return self.core.encode_batch(documents)

    def decode_batch(self, ids: Sequence[Int32[np.ndarray, "_"]]) -> list[UInt16[np.ndarray, "_"]]:
        """As the tokenizer inside."""
        return self.core.decode_batch(ids)

    def spans(self, ids: Int32[np.ndarray, "_"]) -> Int64[np.ndarray, "N 2"]:
        """As the tokenizer inside."""
        return self.core.spans(ids)

    def settings(self) -> dict[str, Any]:
        """As the tokenizer inside."""
        return self.core.settings()

    def save_files(self, folder: Path) -> list[str]:
        """As the tokenizer inside."""
        return self.core.save_files(folder)

    def __repr__(self) -> str:
        """Say which tokenizer it is."""
        return f"Tokenizer({self.name}, {self.vocab_size} ids and padding)"

    def __len__(self) -> int:
        """How many ids there are with the padding id: the rows of an embedding table."""
        return self.vocab_size + 1

    @property
    def pad_token_id(self) -> int:
        """The padding id."""
        return self.pad_id

    @property
    def bos_token_id(self) -> int:
        """What a language model reads first: the padding id."""
        return self.pad_id

    @property
    def eos_token_id(self) -> int | None:
        """The id of the end of a document, where it has one."""
        return self.eos_id

    @property
    def eos_token(self) -> str | None:
        """How that id is written."""
        return None if self.eos_id is None else EOS_TOKEN

    @property
    def all_special_ids(self) -> list[int]:
        """Ids that stand for no text."""
        return [i for i in (self.pad_id, self.eos_id) if i is not None]

    def __call__(
        self,
        text: str | bytes | Sequence[str | bytes],
        *,
        padding: Padding = False,
        truncation: bool = False,
        max_length: int | None = None,
        return_tensors: TensorKind = None,
    ) -> dict[str, Any]:
        """Encode one text or several.

        Args:
            text: a text, or a list of texts; UTF-8, or bytes as they are.
            padding: `True` or `"longest"` to the longest, `"max_length"` to that length, `False` not at all.
            truncation: keep the first `max_length` ids. Hazard: where ids mean something only together, what is kept
                cannot be decoded.
            max_length: in ids.
            return_tensors: None for lists, `"np"` for arrays, `"pt"` for PyTorch tensors.

        Returns:
            `input_ids` and `attention_mask`: one row per text, or for one text without tensors just its row.

        Raises:
            ValueError: truncation without `max_length`, or tensors from rows of unlike length.
        """
        if truncation and max_length is None:
            raise ValueError("truncation is True, but max_length is not given")
        single = isinstance(text, str | bytes)
        texts: Sequence[str | bytes] = [text] if isinstance(text, str | bytes) else text
        symbols = [symbols_of(one.encode("utf-8") if isinstance(one, str) else one) for one in texts]
        rows = [ids_T[: max_length if truncation else None].tolist() for ids_T in self.encode_batch(symbols)]
        if single and return_tensors is None and not padding:
            return {"input_ids": rows[0], "attention_mask": [1] * len(rows[0])}
        return self.pad({"input_ids": rows}, padding=padding, max_length=max_length, return_tensors=return_tensors)

    def pad(
        self,
        encoded_inputs: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        padding: Padding = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: TensorKind = None,
        padding_side: Literal["left", "right"] | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        """Fill encoded texts with the padding id, as data collators ask.

        Args:
            encoded_inputs: what `__call__` returned for several texts, or a list of what it returned for each.
            padding: as in `__call__`.
            max_length: in ids, for `padding="max_length"`.
            pad_to_multiple_of: round the length up to a multiple of this.
            return_attention_mask: leave the mask out if False.
            return_tensors: as in `__call__`.
            padding_side: `right` unless said otherwise.

        Returns:
            The same columns, `input_ids` and those beside it filled; columns of other kinds as they were.
        """
        columns = gather_columns(encoded_inputs)
        if return_attention_mask is False:
            columns.pop("attention_mask", None)
        elif "attention_mask" not in columns:
            columns["attention_mask"] = [[1] * len(row) for row in columns["input_ids"]]
        length = target_length([len(row) for row in columns["input_ids"]], padding, max_length, pad_to_multiple_of)
        return to_tensors(pad_columns(columns, length, self.pad_id, padding_side or self.padding_side), return_tensors)

    def batch_decode(self, sequences: Any, *, skip_special_tokens: bool = True) -> list[str]:
        """Decode each row of a list, array or tensor of ids."""
        return [self.decode(np.asarray(row).tolist(), skip_special_tokens=skip_special_tokens) for row in sequences]

    def convert_ids_to_tokens(self, ids: int | Sequence[int]) -> Any:
        """Show ids as text, for people: one string for one id, a list for several.

        An id that has no text of its own, or whose text is not UTF-8, is shown in angle brackets.
        """
        if isinstance(ids, int | np.integer):
            return self._token(int(ids))
        return [self._token(int(i)) for i in ids]

    def _token(self, i: int) -> str:
        if i == self.pad_id:
            return PAD_TOKEN
        if not self.ids_stand_alone:
            return f"<{i}>"
        symbols = self.decode_batch([np.array([i], np.int32)])[0]
        return show_symbols(symbols)

    def save_pretrained(self, save_directory: str | Path, **_: Any) -> tuple[str, ...]:
        """Write the tokenizer into a folder, beside a model if there is one; returns the paths written.

        Raises:
            OutputError: the folder cannot be written.
        """
        return tuple(str(path) for path in save_folder(self.core, Path(save_directory)))

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **_: Any) -> "Tokenizer":
        """Read a folder that `save_pretrained` wrote. Folders only: nothing is fetched from anywhere.

        Raises:
            UsageError, CorruptFileError, FormatVersionError, ModelMismatchError: as `load_tokenizer` does.
        """
        return cls(load_folder(Path(pretrained_model_name_or_path)))
