"""The stream that models train on: examples of 10,240 symbols, shuffled by seed, with a position that can be saved.

Documents, each ended by symbol 256, are joined 128 at a time and cut into examples (`laconic.text.examples`). Blocks of
consecutive examples are shuffled, each by a generator keyed with seed, epoch and block number. So memory holds one block, a
position is a handful of integers, and a run that resumes reads its block again and goes on exactly where it stopped.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, final

import numpy as np
from jaxtyping import UInt16

from laconic.errors import CorruptFileError, MissingDataError, UsageError
from laconic.text.corpus import Corpus
from laconic.text.examples import count_text, cut_examples, cut_text

STATE_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class PipelineConfig:
    """How a corpus becomes a stream of examples. The defaults are the paper's (Lester et al. 2024, section 3.1).

    Attributes:
        join: documents in one joined text; at least 1.
        example_symbols: symbols in an example; at least 1. The rest of each joined text is a shorter example.
        seed: what the order depends on, at least 0; None keeps the order of the corpus.
        shuffle_block: how many consecutive examples are shuffled among each other; at least 1. Memory holds one block: at
            the default, of about 42 MB of text, 84 MB.
        epochs: how often the corpus is read, each time in another order; None for ever.
        take_bytes: the stream ends after so many bytes of text, those of all processes together; its last example is
            cut there. None for no limit. End-of-document symbols do not count.
        rank: which of the processes that share the stream this is, from 0.
        world: how many processes share the stream. Each reads the whole corpus, and hands out every `world`-th example.
    """

    join: int = 128
    example_symbols: int = 10_240
    seed: int | None = 0
    shuffle_block: int = 4096
    epochs: int | None = 1
    take_bytes: int | None = None
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        for name in ("join", "example_symbols", "shuffle_block", "world"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least 1")
        for name in ("seed", "epochs", "take_bytes"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} is {value}, but must be at least 0, or None")
        if not 0 <= self.rank < self.world:
            raise ValueError(f"rank is {self.rank}, but must be at least 0 and below world, {self.world}")


@dataclass(frozen=True, kw_only=True)
class _Position:
    """Where a stream is: the block at work, and how many examples all processes together have handed out.

    Attributes:
        epoch, block: which block is at work.
        first: number of the block's first example, counted over all epochs.
        taken_bytes: bytes of text handed out before this block.
        examples: examples handed out by all processes, counted over all epochs.
    """

    epoch: int = 0
    block: int = 0
    first: int = 0
    taken_bytes: int = 0
    examples: int = 0


@final
class ExampleStream:
    """Iterates over examples: arrays of symbols 0 to 256.

    Iterating goes on from the present position; only one iterator is to be at work at a time. The same corpus and
    configuration give the same examples in the same order, whatever was stopped and resumed in between. The state may be
    restored with another number of processes, or other `epochs` and `take_bytes`.

    Args:
        corpus: the text.
        config: what becomes of it.

    Examples:
        >>> from laconic.text.corpora import open_corpus
        >>> stream = ExampleStream(open_corpus(["one", "two"]), PipelineConfig(example_symbols=5, seed=None))
        >>> [example.tolist() for example in stream]
        [[111, 110, 101, 256, 116], [119, 111, 256]]
    """

    def __init__(self, corpus: Corpus, config: PipelineConfig | None = None) -> None:
        self._corpus = corpus
        self._config = config or PipelineConfig()
        # In the order of the corpus, nothing needs to be held.
        self._block_size = self._config.shuffle_block if self._config.seed is not None else 1
        self._position = _Position()

    def __iter__(self) -> Iterator[UInt16[np.ndarray, "_"]]:
        """Go on from the present position.

        Raises:
            MissingDataError: the corpus holds no text, or less than when the position was saved.
        """
        config, position = self._config, self._position
        epoch, block, first, taken = position.epoch, position.block, position.first, position.taken_bytes
        base = position.examples
        while config.epochs is None or epoch < config.epochs:
            whole, before = block == 0, taken
            for examples in self._blocks(epoch, block):
                at_block, block = (epoch, block, first, taken), block + 1
                size = len(examples)
                for number in range(first, first + size):
                    example = examples.pop()
                    if config.take_bytes is not None:
                        if taken >= config.take_bytes:
                            return
                        example = cut_text(example, config.take_bytes - taken)
                    taken += count_text(example)
                    handed, rank = divmod(number - base, config.world)
                    if handed >= 0 and rank == config.rank:
                        self._position = _at(at_block, base + (handed + 1) * config.world)
                        yield example
                first += size
            if config.epochs is None and whole and taken == before:  # Only empty documents: no number of epochs gives any text.
                raise self._no_text()
            epoch, block = epoch + 1, 0

    def state(self) -> dict[str, Any]:
        """The position behind the example that was handed out last: a few integers, as JSON can hold them.

        Processes that have handed out equally many examples have positions that mean the same.
        """
        return {"version": STATE_VERSION, **self._fixed(), **asdict(self._position)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go to a position that `state` returned; the next iterator goes on from there.

        Raises:
            CorruptFileError: not the state of a stream.
            UsageError: the state of a stream with other examples or another order.
        """
        names = tuple(asdict(_Position()))
        values = {name: state.get(name) for name in names}
        if state.get("version") != STATE_VERSION or not all(type(value) is int and value >= 0 for value in values.values()):
            raise CorruptFileError(
                f"the saved position of a text stream is {state}, which no stream wrote: use another checkpoint"
            )
        for name, value in self._fixed().items():
            if state.get(name) != value:
                raise UsageError(
                    f"the saved position is of a text stream with {name}={state.get(name)}, but this one has {name}={value}: "
                    "set it to the same value to resume"
                )
        self._position = _Position(**{name: int(state[name]) for name in names})

    def _fixed(self) -> dict[str, Any]:
        """What must not change between a state and its stream."""
        fixed = ("join", "example_symbols", "seed", "shuffle_block")
        return {name: getattr(self._config, name) for name in fixed}

    def _blocks(self, epoch: int, skipped: int) -> Iterator[list[UInt16[np.ndarray, "_"]]]:
        """The blocks of an epoch, without the first `skipped` ones. The last entry of each list comes first.

        The reader takes the entries out, so that the memory of one block is free when the next is filled.
        """
        examples = cut_examples(self._corpus.documents(), join=self._config.join, size=self._config.example_symbols)
        wanted = skipped * self._block_size
        found = sum(1 for _ in islice(examples, wanted))
        if found < wanted:
            raise MissingDataError(
                f"the corpus {self._corpus.name!r} has {found} examples, fewer than the saved position, {wanted}: "
                "give the text that the run began with"
            )
        block = skipped
        while chunk := list(islice(examples, self._block_size)):
            ordered = [chunk[index] for index in reversed(self._order(epoch, block, len(chunk)))]
            chunk.clear()
            yield ordered
            block += 1
        if block == 0:
            raise self._no_text()

    def _no_text(self) -> MissingDataError:
        return MissingDataError(
            f"the corpus {self._corpus.name!r}, split {self._corpus.split!r}, has no text: give more text or another split"
        )

    def _order(self, epoch: int, block: int, size: int) -> list[int]:
        if self._config.seed is None:
            return list(range(size))
        # Raw bits, because NumPy promises those for ever, and may change its own shuffling between versions.
        bits = np.random.PCG64(np.random.SeedSequence([self._config.seed, epoch, block])).random_raw(size)
        order: list[int] = np.argsort(bits, kind="stable").tolist()
        return order


def _at(block: tuple[int, int, int, int], examples: int) -> _Position:
    epoch, number, first, taken = block
    return _Position(epoch=epoch, block=number, first=first, taken_bytes=taken, examples=examples)
