"""Learning from a teacher: from what it predicts, and from its layers, whichever of the student's suit them.

CoFi, section 3.2. Means are over what is text; the release averages over padding too.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from laconic.pruning.masking import at_hand

MAPPINGS = ("free", "monotone")

ROWS_AT_ONCE = 512
"""Of a text, each token is a row as wide as the vocabulary."""

ROWS_IN_CACHE = 64
"""Tokens of which the states of all layers fit into a processor's cache."""


def prediction_loss(
    student: Float[Tensor, "*B V"],
    teacher: Float[Tensor, "*B V"],
    *,
    temperature: float,
    counted: Bool[Tensor, "*B"] | None = None,
) -> Float[Tensor, ""]:
    """How far the student's distributions are from the teacher's: the mean divergence, times temperature squared.

    Of many rows, logarithms of probabilities exist for a piece at once, and are computed once more for the gradient.

    Args:
        student: its logits.
        teacher: its logits.
        temperature: both are divided by it.
        counted: which rows count; None for all. The others are not picked out, for that would wait for the device.
    """
    student, teacher = student.flatten(0, -2), teacher.flatten(0, -2)
    weight_N = student.new_ones(len(student)) if counted is None else counted.flatten().to(student.dtype)
    rows = student, teacher, weight_N
    if len(student) <= ROWS_AT_ONCE:
        return _divergence(*rows, temperature) / weight_N.sum() * temperature**2
    pieces = [
        checkpoint(_divergence, *piece, temperature, use_reentrant=False, preserve_rng_state=False)
        for piece in zip(*(torch.split(tensor, ROWS_AT_ONCE) for tensor in rows), strict=True)
    ]
    return torch.stack(pieces).sum() / weight_N.sum() * temperature**2


def _divergence(student: Tensor, teacher: Tensor, weight_N: Tensor, temperature: float) -> Tensor:
    logs = functional.log_softmax(student / temperature, -1)
    targets = functional.log_softmax(teacher / temperature, -1)
    # Not an inner product, which autocast would compute in bfloat16.
    return (functional.kl_div(logs, targets, log_target=True, reduction="none").sum(-1) * weight_N).sum()


def teacher_layers(layers: int, count: int = 4) -> tuple[int, ...]:
    """Which layers teach: `count` of them, evenly spaced, the last one among them; 2, 5, 8 and 11 of twelve.

    Args:
        layers: how many the teacher has.
        count: how many are to teach, at most.
    """
    count = min(count, layers)
    return tuple(round(layers * (number + 1) / count) - 1 for number in range(count))


def layer_distances(
    student_LND: Sequence[Float[Tensor, "N D"]], teacher_KND: Float[Tensor, "K N D"], text_N: Float[Tensor, "N"]
) -> Float[Tensor, "K L"]:
    """Mean squared distances of all pairs, without gradient, from matrices of inner products.

    Args:
        student_LND: hidden states after each layer, projected to the teacher's width.
        teacher_KND: hidden states of the layers that teach.
        text_N: 1 for text, 0 for padding.
    """
    count, rows = len(teacher_KND), ROWS_IN_CACHE if at_hand(text_N) else len(text_N)
    # In bfloat16 the small difference of two large numbers would be lost.
    with torch.no_grad(), torch.autocast(text_N.device.type, enabled=False):
        inner_MM = text_N.new_zeros(count + len(student_LND), count + len(student_LND))
        for first in range(0, len(text_N), rows):
            piece = slice(first, first + rows)
            all_MND = torch.stack([states_ND[piece].float() for states_ND in (*teacher_KND, *student_LND)])
            flat = all_MND.mul_(text_N[piece, None]).flatten(1)
            inner_MM.addmm_(flat, flat.T)
        squares_M = inner_MM.diagonal()
        distance_KL = squares_M[:count, None] + squares_M[None, count:] - 2 * inner_MM[:count, count:]
        return distance_KL.clamp(min=0) / (text_N.sum() * teacher_KND.shape[-1])


def map_layers(distance_KL: Float[Tensor, "K L"], alive_L: Bool[Tensor, "L"], mapping: str) -> Int64[Tensor, "K"]:
    """Which layer of the student learns from each layer that teaches.

    Args:
        distance_KL: how far they are apart.
        alive_L: which layers of the student have anything left in them; where none has, all count as such.
        mapping: `free`: the nearest of all, whatever is left of it; `monotone`: from the last teacher down, the nearest
            living one below the one chosen before; where none is left, that one again.
    """
    if mapping == "free":
        return distance_KL.argmin(-1)
    place_L = torch.arange(len(alive_L), device=alive_L.device)
    allowed_L = alive_L | ~alive_L.any()
    chosen = list[Tensor]()
    for distance_L in distance_KL.flip(0):
        left_L = allowed_L & (place_L < chosen[-1]) if chosen else allowed_L
        best = distance_L.masked_fill(~left_L, torch.inf).argmin()
        chosen.append(torch.where(left_L.any(), best, chosen[-1]) if chosen else best)
    return torch.stack(chosen[::-1])


def layer_loss(
    student_LND: Sequence[Float[Tensor, "N D"]],
    teacher_KND: Float[Tensor, "K N D"],
    text_N: Float[Tensor, "N"],
    chosen_K: Int64[Tensor, "K"],
) -> Float[Tensor, ""]:
    """The sum over teaching layers of the mean squared distance to the layer that learns from it.

    Args:
        student_LND: as for `layer_distances`.
        teacher_KND: likewise.
        text_N: likewise.
        chosen_K: which layer learns from which.
    """
    with torch.autocast(text_N.device.type, enabled=False):
        if at_hand(chosen_K):  # Layers that learn nothing then need not be told so.
            chosen_KND: Sequence[Tensor] | Tensor = [student_LND[place] for place in chosen_K.tolist()]
        else:
            chosen_KND = torch.stack(list(student_LND)).index_select(0, chosen_K)
        squares = [
            functional.mse_loss(states_ND * text_N[:, None], taught_ND * text_N[:, None], reduction="sum")
            for states_ND, taught_ND in zip(chosen_KND, teacher_KND, strict=True)
        ]
        return torch.stack(squares).sum() / (text_N.sum() * teacher_KND.shape[-1])
