"""Token streams for training: examples encoded on their own, packed into segments, with a position of a few numbers.

Everything here is deterministic, and a position is so small because nothing decoded is part of it: on `restore` the
examples around the position are read and encoded again.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar, final, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int32, UInt16

from laconic.shapes import BYTES
from laconic.tokens.base import AbstractTokenizer
from laconic.training.objective import AnyBatch, Batch

PACKINGS = ("pack", "trim")


@runtime_checkable
class ExampleSource(Protocol):
    """A stream of examples with a position: what `laconic.text.pipeline.ExampleStream` is."""

    def __iter__(self) -> Iterator[UInt16[np.ndarray, "_"]]:
        """Go on from the present position."""
        ...

    def state(self) -> dict[str, Any]:
        """The position, as JSON can hold it."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go to a position that `state` returned."""
        ...


HandedT = TypeVar("HandedT", bound=AnyBatch, covariant=True)


@runtime_checkable
class BatchStream(Protocol[HandedT]):
    """What a training loop reads: batches, and a position to resume from."""

    def next_batch(self, rows: int) -> HandedT:
        """The next rows: segments, or examples; none at all where there are no more."""
        ...

    def state(self) -> dict[str, Any]:
        """The position, as JSON can hold it."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go to a position that `state` returned."""
        ...


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """One example as tokens.

    Attributes:
        ids: its tokens.
        bytes: its length as text; end-of-document symbols do not count.
    """

    ids: Int32[np.ndarray, "_"]
    bytes: int


class AbstractTokenSource(ABC):
    """Encoded examples, one after another, with a position."""

    @abstractmethod
    def next(self) -> Encoded | None:
        """The next example, or None at the end."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """The position, as JSON can hold it: what comes next after `restore(state)` is what comes next now."""

    @abstractmethod
    def restore(self, state: dict[str, Any]) -> None:
        """Go to a position that `state` returned."""


@final
class StoredSource(AbstractTokenSource):
    """Examples that are encoded already and fit in memory.

    Args:
        examples: all of them.
        rank: which process this is; it gets every `world`-th example.
        world: how many processes share the examples.
    """

    def __init__(self, examples: Sequence[Encoded], *, rank: int = 0, world: int = 1) -> None:
        self._examples = examples[rank::world]
        self._index = 0

    def next(self) -> Encoded | None:
        """The next example, or None at the end."""
        if self._index >= len(self._examples):
            return None
        self._index += 1
        return self._examples[self._index - 1]

    def state(self) -> dict[str, Any]:
        """How many examples were handed out."""
        return {"index": self._index}

    def restore(self, state: dict[str, Any]) -> None:
        """Go to a position that `state` returned."""
        self._index = int(state["index"])


@final
class EncodingSource(AbstractTokenSource):
    """Encodes a stream of examples as it goes, several at a time, each on its own.

    Args:
        examples: the stream.
        tokenizer: what encodes it.
        chunk: how many examples are encoded together; changes speed and memory, never the tokens.
    """

    def __init__(self, examples: ExampleSource, tokenizer: AbstractTokenizer, *, chunk: int = 32) -> None:
        if chunk < 1:
            raise ValueError(f"chunk is {chunk}, but must be at least 1 example")
        self._examples, self._tokenizer, self._chunk = examples, tokenizer, chunk
        self._before = examples.state()
        self._iterator = iter(examples)
        self._ready: list[Encoded] = []
        self._taken = 0

    def next(self) -> Encoded | None:
        """The next example, or None at the end."""
        if self._taken == len(self._ready):
            self._fill()
        if not self._ready:
            return None
        self._taken += 1
        return self._ready[self._taken - 1]

    def state(self) -> dict[str, Any]:
        """The stream's position before the present chunk, and how many examples of the chunk were handed out."""
        return {"examples": self._before, "taken": self._taken}

    def restore(self, state: dict[str, Any]) -> None:
        """Go to a position that `state` returned; the chunk around it is encoded again."""
        self._examples.restore(state["examples"])
        self._iterator = iter(self._examples)
        self._fill()
        self._taken = int(state["taken"])

    def _fill(self) -> None:
        self._before = self._examples.state()
        taken = list(islice(self._iterator, self._chunk))
        self._ready, self._taken = encode_examples(self._tokenizer, taken), 0


def encode_examples(tokenizer: AbstractTokenizer, examples: Sequence[UInt16[np.ndarray, "_"]]) -> list[Encoded]:
    """Encode examples together, each on its own, and note how many bytes each stands for."""
    if not examples:
        return []
    lengths = [int(np.count_nonzero(example < BYTES)) for example in examples]
    ids = tokenizer.encode_batch(list(examples))
    return [Encoded(ids=row, bytes=length) for row, length in zip(ids, lengths, strict=True)]


@final
class TokenStream:
    """Segments of tokens from a source of examples.

    Bytes are counted as tokens are handed out: the first k of an example's n tokens stand for `k / n` of its bytes.

    Args:
        source: where the examples come from.
        length: T, tokens in a segment.
        pad_id: fills rows that the text does not.
        packing: `pack` joins all tokens of all examples, so that every tokenizer's model sees the same bytes; `trim`
            keeps the first `length` tokens of each example, as Lester et al. 2024 do (section 3.1).
    """

    def __init__(self, source: AbstractTokenSource, *, length: int, pad_id: int, packing: str = "pack") -> None:
        if length < 1:
            raise ValueError(f"length is {length}, but must be at least 1 token")
        if packing not in PACKINGS:
            raise ValueError(f"packing is {packing!r}, but must be one of {', '.join(PACKINGS)}")
        self._source, self._length, self._pad_id, self._packing = source, length, pad_id, packing
        self._before = source.state()
        self._current: Encoded | None = None
        self._offset = 0

    def next_batch(self, rows: int) -> Batch:
        """The next `rows` segments; at the end of the source, rows and whole batches of padding."""
        tokens_BT = np.full((rows, self._length), self._pad_id, dtype=np.int64)
        count, size = 0, 0
        for row_T in tokens_BT:
            filled, covered = self._fill(row_T)
            count, size = count + filled, size + covered
        return Batch(tokens_BT=torch.from_numpy(tokens_BT), pad_id=self._pad_id, count=count, bytes=size)

    def state(self) -> dict[str, Any]:
        """The position, as JSON can hold it."""
        return {"source": self._before, "offset": self._offset}

    def restore(self, state: dict[str, Any]) -> None:
        """Go to a position that `state` returned."""
        self._source.restore(state["source"])
        self._before, self._offset, self._current = state["source"], int(state["offset"]), None
        if self._offset:
            self._current = self._source.next()

    def _fill(self, row_T: np.ndarray) -> tuple[int, int]:
        filled = covered = 0
        while filled < self._length and self._advance():
            assert self._current is not None
            ids = self._current.ids
            taken = min(self._length - filled, len(ids) - self._offset)
            row_T[filled : filled + taken] = ids[self._offset : self._offset + taken]
            start, stop = (self._current.bytes * at // len(ids) for at in (self._offset, self._offset + taken))
            filled, covered, self._offset = filled + taken, covered + stop - start, self._offset + taken
            if self._packing == "trim":
                self._offset = len(ids)
                break
        return filled, covered

    def _advance(self) -> bool:
        while self._current is None or self._offset >= len(self._current.ids):
            self._before = self._source.state()
            self._current, self._offset = self._source.next(), 0
            if self._current is None:
                return False
        return True
