"""What each memory holds for each window, told by tokens that say where they stand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from laconic.memory.stores import (
    LocalMemory,
    LongTermMemory,
    Memories,
    Window,
    slot_scores,
    slots_mass,
    slots_masses,
)

TOKENS = torch.randint(0, 4, (60,), generator=torch.Generator().manual_seed(2))


def windows(length: int, step: int) -> list[Window]:
    """A text of 60 tokens in windows; a key depends on its position, and on the window that it was read in."""
    found, done = [], 0
    while done < 60:
        stop = min(60, length if not done else done + step)
        begin = max(0, stop - length)
        generator = torch.Generator().manual_seed(stop)
        key_TD = torch.randn(stop - begin, 3, generator=generator)
        found.append(Window(key_TD=key_TD, token_T=TOKENS[begin:stop], begin=begin, asked=stop - done))
        done = stop
    return found


@given(st.integers(2, 12), st.integers(1, 12), st.integers(1, 40), st.sampled_from([0.5, 1.0]))
def test_local_and_long_are_the_window_and_what_was_before(length: int, step: int, size: int, temperature: float) -> None:
    step = min(step, length)
    memory, seen = Memories([LocalMemory(), LongTermMemory(size)]), list[tuple[int, torch.Tensor]]()
    for window in windows(length, step):
        all_N, right_N = slots_mass(window, memory.slots(window), temperature)
        before = [key_D for place, key_D in seen if place < window.begin][-size:]
        tokens_before = [int(TOKENS[place]) for place, _ in seen if place < window.begin][-size:]
        context = len(window.token_T) - window.asked
        for n in range(window.asked):
            place = context + n
            keys = [*before, *window.key_TD[:place]]
            values = [*tokens_before, *window.token_T[:place].tolist()]
            scores = [float(window.key_TD[place] @ key_D) / math.sqrt(3) / temperature for key_D in keys]
            right = [score for score, value in zip(scores, values, strict=True) if value == window.token_T[place]]
            for ours, expected in ((all_N[n], scores), (right_N[n], right)):
                wanted = float(torch.logsumexp(torch.tensor(expected), 0)) if expected else -math.inf
                assert float(ours) == pytest.approx(wanted, abs=1e-4)
        seen += [(window.begin + context + n, window.key_TD[context + n]) for n in range(window.asked)]
        memory.remember(window)


def test_slots_know_where_they_stand() -> None:
    memory = Memories([LocalMemory(), LongTermMemory(20)])
    for window in windows(10, 3):
        for slots in memory.slots(window):
            assert torch.equal(slots.token_M, TOKENS[slots.begin : slots.begin + len(slots.token_M)])
        memory.remember(window)


def test_scores_add_up_to_the_mass() -> None:
    memory = Memories([LocalMemory(), LongTermMemory(20)])
    for window in windows(10, 3):
        slots = memory.slots(window)
        score_NM, token_M, place_M = slot_scores(window, slots, 0.7)
        assert torch.equal(token_M, TOKENS[place_M])
        right_NM = score_NM.masked_fill(token_M != window.asked_tokens[:, None], -math.inf)
        for summed, expected in zip((score_NM, right_NM), slots_mass(window, slots, 0.7), strict=True):
            torch.testing.assert_close(torch.logsumexp(summed, -1), expected)
        memory.remember(window)


def test_several_temperatures_at_once_are_each_on_its_own() -> None:
    memory, temperatures = Memories([LocalMemory(), LongTermMemory(20)]), [0.5, 1.0, 2.0]
    for window in windows(10, 3):
        slots = memory.slots(window)
        all_KN, right_KN = slots_masses(window, slots, temperatures)
        for place, temperature in enumerate(temperatures):
            alone = slots_mass(window, slots, temperature)
            torch.testing.assert_close((all_KN[place], right_KN[place]), alone)
        memory.remember(window)


def test_long_memory_does_not_grow() -> None:
    memory = LongTermMemory(7)
    for window in windows(10, 3):
        memory.remember(window)
    assert len(memory._tokens._rows) <= 2 * (7 + 10 + 10)


def test_a_memory_has_room() -> None:
    with pytest.raises(ValueError, match="size is 0"):
        LongTermMemory(0)
