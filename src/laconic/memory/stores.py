"""Memories to read at test time: of the window at hand, of what came before it, or of both.

A text is read in windows that overlap: the model sees a whole window, and predicts the last part of it, the tokens that no
window before has predicted. What a memory holds are slots, each the key at a position and the token that followed there.

    text      ===========================================>
    long      |<- size slots ->|
    local                      |<- context ->|<- asked ->|       one window
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from laconic.memory.mass import mass_at_temperatures, similarity_scale
from laconic.memory.visibility import Visibility

Mass = tuple[Float[Tensor, "N"], Float[Tensor, "N"]]
"""Logarithms of what all slots that a prediction sees weigh, and of what those with the right token do."""

_NO_TOKEN = -1


@dataclass(frozen=True, kw_only=True)
class Window:
    """What a model says of one window.

    Attributes:
        key_TD: the key at each position; also what its prediction asks with.
        token_T: the token that is predicted at each position.
        begin: where in the text the window begins, in tokens.
        asked: how many positions, the last ones, are predicted here for the first time.
    """

    key_TD: Float[Tensor, "T D"]
    token_T: Int64[Tensor, "T"]
    begin: int
    asked: int

    @property
    def asked_keys(self) -> Float[Tensor, "N D"]:
        """The keys of those."""
        return self.key_TD[-self.asked :]

    @property
    def asked_tokens(self) -> Int64[Tensor, "N"]:
        """The tokens of those."""
        return self.token_T[-self.asked :]


@dataclass(frozen=True, kw_only=True)
class Slots:
    """A stretch of the text whose positions can be predicted from.

    Attributes:
        key_MD: the key of each.
        token_M: the token that followed there.
        begin: where in the text the first one stands; the others follow it.
        end_N: how many of them each prediction sees, from the first on.
    """

    key_MD: Float[Tensor, "M D"]
    token_M: Int64[Tensor, "M"]
    begin: int
    end_N: Int64[Tensor, "N"]


class AbstractMemory(ABC):
    """Slots that predictions are made from, beside the vocabulary."""

    @abstractmethod
    def slots(self, window: Window) -> tuple[Slots, ...]:
        """What the positions of a window that are asked see.

        Args:
            window: the next one of the text.
        """

    @abstractmethod
    def remember(self, window: Window) -> None:
        """Take in a window that has been predicted."""


@final
class LocalMemory(AbstractMemory):
    """The earlier positions of the window, those of its context included. It remembers nothing."""

    def slots(self, window: Window) -> tuple[Slots, ...]:
        """Each position sees those before it."""
        end_N = torch.arange(len(window.token_T), device=window.token_T.device)[-window.asked :]
        return (Slots(key_MD=window.key_TD, token_M=window.token_T, begin=window.begin, end_N=end_N),)

    def remember(self, window: Window) -> None:
        """Nothing."""


@final
class LongTermMemory(AbstractMemory):
    """The latest `size` positions before the window, as they were when they were predicted.

    Positions in the window itself are left to `LocalMemory`, so that no slot counts twice when both are read.

    Args:
        size: slots; `long_term_bytes` says what they need.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"size is {size}, but must be at least 1 slot")
        self._size, self._end = size, 0
        self._keys, self._tokens = _Tail(), _Tail()

    def slots(self, window: Window) -> tuple[Slots, ...]:
        """All positions see the same slots."""
        if not self._end:
            return ()
        # Those that the window reads again are passed over.
        again = max(0, self._end - window.begin)
        key_MD, token_M = (tail.before(again, self._size) for tail in (self._keys, self._tokens))
        end_N = torch.full((window.asked,), len(token_M), device=window.token_T.device)
        return (Slots(key_MD=key_MD, token_M=token_M, begin=self._end - again - len(token_M), end_N=end_N),)

    def remember(self, window: Window) -> None:
        """Keep the positions that were asked, and forget those that no later window can see."""
        room = self._size + len(window.token_T)
        self._keys.append(window.asked_keys, room)
        self._tokens.append(window.asked_tokens, room)
        self._end = window.begin + len(window.token_T)


def long_term_bytes(size: int, width: int, context: int) -> int:
    """The most that a `LongTermMemory` comes to hold, in bytes.

    Args:
        size: its slots.
        width: D.
        context: tokens in a window.
    """
    return 2 * (size + 2 * context) * (4 * width + 8)


@final
class Memories(AbstractMemory):
    """Several memories read as one; the caller sees to it that they share no slots."""

    def __init__(self, parts: Sequence[AbstractMemory]) -> None:
        self._parts = tuple(parts)

    def slots(self, window: Window) -> tuple[Slots, ...]:
        """Those of all."""
        return tuple(slots for part in self._parts for slots in part.slots(window))

    def remember(self, window: Window) -> None:
        """Each takes the window in."""
        for part in self._parts:
            part.remember(window)


def slot_scores(
    window: Window, slots: Sequence[Slots], temperature: float
) -> tuple[Float[Tensor, "N M"], Int64[Tensor, "M"], Int64[Tensor, "M"]]:
    """How each prediction of a window finds each slot: what `slots_mass` adds up, as a whole matrix.

    Args:
        window: the window.
        slots: what a memory showed for it.
        temperature: as for `slots_mass`.

    Returns:
        Similarities, minus infinity for slots that a prediction does not see; the token of each slot; and where it stands.
    """
    device, query_ND = window.token_T.device, window.asked_keys
    scores, tokens, places = [query_ND.new_empty((window.asked, 0))], [window.token_T[:0]], [window.token_T[:0]]
    for part in slots:
        place_M = torch.arange(len(part.token_M), device=device)
        score_NM = (query_ND @ part.key_MD.T).float() * similarity_scale(query_ND.shape[1], temperature)
        scores.append(score_NM.masked_fill(place_M >= part.end_N[:, None], -math.inf))
        tokens.append(part.token_M)
        places.append(place_M + part.begin)
    return torch.cat(scores, -1), torch.cat(tokens), torch.cat(places)


def slots_mass(window: Window, slots: Sequence[Slots], temperature: float) -> Mass:
    """What slots weigh for the positions of a window that are asked.

    Args:
        window: the window.
        slots: what a memory showed for it.
        temperature: similarities, scaled by 1 / sqrt(D), are divided by it.
    """
    all_1N, right_1N = slots_masses(window, slots, [temperature])
    return all_1N[0], right_1N[0]


def slots_masses(
    window: Window, slots: Sequence[Slots], temperatures: Sequence[float]
) -> tuple[Float[Tensor, "K N"], Float[Tensor, "K N"]]:
    """The same at each of several temperatures, a row for each."""
    all_KN = torch.full((len(temperatures), window.asked), -math.inf, device=window.token_T.device)
    right_KN = all_KN.clone()
    for part in slots:
        nothing_N = torch.zeros_like(part.end_N)
        visibility = Visibility(begin_N=nothing_N, end_N=part.end_N, gap_begin_N=nothing_N, gap_end_N=nothing_N)
        more_KN, more_right_KN = mass_at_temperatures(
            window.asked_keys, part.key_MD, window.asked_tokens, part.token_M, visibility, temperatures=temperatures,
            ignore=_NO_TOKEN,
        )  # fmt: skip
        all_KN, right_KN = torch.logaddexp(all_KN, more_KN), torch.logaddexp(right_KN, more_right_KN)
    return all_KN, right_KN


@final
class _Tail:
    """The latest rows of a sequence that grows, in one piece of memory, so that reading them copies nothing."""

    def __init__(self) -> None:
        self._rows, self._stop = torch.empty(0), 0

    def append(self, rows: Tensor, room: int) -> None:
        """Add rows; at least the latest `room` are kept."""
        if self._stop + len(rows) > len(self._rows):
            kept = self._rows[max(0, self._stop - room) : self._stop] if self._stop else rows[:0]
            self._rows, self._stop = rows.new_empty((2 * (room + len(rows)), *rows.shape[1:])), len(kept)
            self._rows[: self._stop] = kept
        self._rows[self._stop : self._stop + len(rows)] = rows
        self._stop += len(rows)

    def before(self, passed: int, size: int) -> Tensor:
        """At most `size` rows, up to the last but `passed`."""
        stop = max(0, self._stop - passed)
        return self._rows[max(0, stop - size) : stop]
