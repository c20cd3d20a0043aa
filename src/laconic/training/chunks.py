"""A text as examples of one length, made when they are asked for: only its token ids are in memory."""

from collections.abc import Sequence
from typing import final, overload

import numpy as np
from jaxtyping import Int32

from laconic.training.examples import Example


@final
class Chunks(Sequence[Example]):
    """Stretches of a text, each behind the start symbol, so that every token of the text is predicted in one of them.

        text     a b c d e f g
        chunks   ^ a b c   ^ d e f   ^ g

    Args:
        ids_N: the tokens of the text.
        size: its bytes; a chunk's share of them goes by its tokens.
        length: T, tokens of a chunk, the start symbol among them; at least 2. The last chunk may be shorter.
        start_id: the start symbol.

    Raises:
        ValueError: length is less than 2.
    """

    def __init__(self, ids_N: Int32[np.ndarray, "N"], size: int, *, length: int, start_id: int) -> None:
        if length < 2:
            raise ValueError(f"length is {length}, but must be at least 2: the start symbol and a token")
        self._ids_N, self._step, self._start_id = ids_N, length - 1, start_id
        self.tokens, self.bytes = len(ids_N), size

    def __len__(self) -> int:
        """How many chunks."""
        return -(-self.tokens // self._step)

    @overload
    def __getitem__(self, place: int) -> Example: ...
    @overload
    def __getitem__(self, place: slice) -> list[Example]: ...
    def __getitem__(self, place: int | slice) -> Example | list[Example]:
        """A chunk, or several of them."""
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        first = range(len(self))[place] * self._step
        last = min(first + self._step, self.tokens)
        ids = [self._start_id, *self._ids_N[first:last].tolist()]
        share = self.bytes * last // self.tokens - self.bytes * first // self.tokens
        return Example(columns={"input_ids": ids, "attention_mask": [1] * len(ids)}, label=None, bytes=share)
