"""How much of a prediction a memory holds: the logarithm of what all visible slots weigh, and of what the right ones weigh.

Each slot j adds `exp(s)` with `s = scale * query . key_j` to the word that is its value (Zhong, Lei and Chen 2022, equation 5).
Two numbers for each query say all that the loss needs:

    all    log of the sum over the visible slots
    right  log of the sum over those whose value is the query's target; minus infinity where there is none

`plain_mass` builds the matrix of all similarities and lets PyTorch differentiate it: it is here to be read and compared with.
`memory_mass` gives the same numbers and gradients in memory that grows with one block of slots (`docs/notes/trime.md`).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.autograd.function import once_differentiable

from laconic.memory.visibility import Visibility

QUERIES_AT_ONCE, SLOTS_AT_ONCE = 512, 1024
"""The largest piece of the matrix of similarities that exists at once."""


def plain_mass(
    query_ND: Float[Tensor, "N D"],
    key_MD: Float[Tensor, "M D"],
    target_N: Int64[Tensor, "N"],
    value_M: Int64[Tensor, "M"],
    visibility: Visibility,
    *,
    scale: float,
    ignore: int,
) -> tuple[Float[Tensor, "N"], Float[Tensor, "N"]]:
    """The reference for `memory_mass`, which see."""
    score_NM = (query_ND.float() @ key_MD.float().T) * scale
    seen_NM = visibility.mask(slice(0, len(key_MD))) & (value_M != ignore)
    right_NM = seen_NM & (value_M == target_N[:, None])
    return _log_sum(score_NM, seen_NM), _log_sum(score_NM, right_NM)


def memory_mass(
    query_ND: Float[Tensor, "N D"],
    key_MD: Float[Tensor, "M D"],
    target_N: Int64[Tensor, "N"],
    value_M: Int64[Tensor, "M"],
    visibility: Visibility,
    *,
    scale: float,
    ignore: int,
) -> tuple[Float[Tensor, "N"], Float[Tensor, "N"]]:
    """Logarithms of what all visible slots and the right ones among them weigh, differentiable in queries and keys.

    Args:
        query_ND: what each prediction asks with. In a batch that is its own memory, queries and keys are the same tensor,
            and both parts of its gradient are added.
        key_MD: what each slot is found by.
        target_N: the token to be predicted.
        value_M: the token that each slot stands for.
        visibility: which slots each query sees.
        scale: factor of the inner products: `similarity_scale`.
        ignore: the value of slots that count for nobody, such as padding.

    Returns:
        In float32: over all visible slots, and over those whose value is the target; minus infinity over none.
    """
    all_N, right_N = _Mass.apply(query_ND, key_MD, target_N, value_M, visibility, scale, ignore)  # type: ignore[no-untyped-call]
    return all_N, right_N


def mass_at_temperatures(
    query_ND: Float[Tensor, "N D"],
    key_MD: Float[Tensor, "M D"],
    target_N: Int64[Tensor, "N"],
    value_M: Int64[Tensor, "M"],
    visibility: Visibility,
    *,
    temperatures: Sequence[float],
    ignore: int,
) -> tuple[Float[Tensor, "K N"], Float[Tensor, "K N"]]:
    """What `memory_mass` gives at each of several temperatures, from similarities that are computed once; without gradients.

    Args:
        query_ND: what each prediction asks with.
        key_MD: what each slot is found by.
        target_N: the token to be predicted.
        value_M: the token that each slot stands for.
        visibility: which slots each query sees.
        ignore: the value of slots that count for nobody.
        temperatures: K of them.

    Returns:
        A row for each temperature.
    """
    scale = similarity_scale(query_ND.shape[1], 1.0)
    with torch.no_grad():
        return _sweep(query_ND, key_MD, target_N, value_M, visibility, ignore, scale, [1.0 / one for one in temperatures])


def similarity_scale(width: int, temperature: float) -> float:
    """The factor of inner products of keys of `width` numbers: 1 / (sqrt(D) * temperature)."""
    return 1.0 / (math.sqrt(width) * temperature)


def _log_sum(score_NM: Tensor, chosen_NM: Tensor) -> Tensor:
    """Over the chosen slots; the gradient is 0 where none is chosen."""
    some_N = chosen_NM.any(-1)
    # Rows without any slot would have gradients that are no numbers.
    filled_NM = score_NM.masked_fill(~chosen_NM, -math.inf).masked_fill(~some_N[:, None], 0.0)
    return torch.logsumexp(filled_NM, -1).masked_fill(~some_N, -math.inf)


class _Mass(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query_ND: Tensor, key_MD: Tensor, target_N: Tensor, value_M: Tensor, visibility: Visibility, scale: float,
        ignore: int,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        query_ND, key_MD = query_ND.detach(), key_MD.detach()
        (all_N,), (right_N,) = _sweep(query_ND, key_MD, target_N, value_M, visibility, ignore, scale, (1.0,))
        ctx.save_for_backward(query_ND, key_MD, target_N, value_M, all_N, right_N)
        ctx.visibility, ctx.scale, ctx.ignore = visibility, scale, ignore
        return all_N, right_N

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_all_N: Tensor, grad_right_N: Tensor) -> tuple[Tensor | None, ...]:
        query_ND, key_MD, target_N, value_M, all_N, right_N = ctx.saved_tensors
        grad_query_ND = torch.zeros(query_ND.shape, device=query_ND.device)
        grad_key_MD = torch.zeros(key_MD.shape, device=key_MD.device)
        # Where nothing is seen, no score is finite, and 0 does as well as minus infinity.
        all_N, right_N = all_N.nan_to_num(neginf=0.0), right_N.nan_to_num(neginf=0.0)
        for piece in _pieces(ctx.visibility, target_N, value_M, ctx.ignore):
            queries, slots, (row, column) = piece.queries, piece.slots, piece.right
            slope_nm = piece.scores(query_ND, key_MD, ctx.scale)
            pull = torch.exp(slope_nm[row, column] - right_N[queries][row]) * grad_right_N[queries][row]
            slope_nm.sub_(all_N[queries, None]).exp_().mul_(grad_all_N[queries, None])
            slope_nm[row, column] += pull
            slope_nm = slope_nm.mul_(ctx.scale).to(query_ND.dtype)
            grad_query_ND[queries] += slope_nm @ key_MD[slots]
            grad_key_MD[slots] += slope_nm.T @ query_ND[queries]
        return grad_query_ND.to(query_ND.dtype), grad_key_MD.to(key_MD.dtype), None, None, None, None, None


def _sweep(
    query_ND: Tensor, key_MD: Tensor, target_N: Tensor, value_M: Tensor, visibility: Visibility, ignore: int, scale: float,
    factors: Sequence[float],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Both masses, a row for each further factor of the scores."""
    all_KN = torch.full((len(factors), len(query_ND)), -math.inf, device=query_ND.device)
    right_KN = all_KN.clone()
    for piece in _pieces(visibility, target_N, value_M, ignore):
        score_nm, (row, column) = piece.scores(query_ND, key_MD, scale), piece.right
        right, queries = score_nm[row, column], piece.queries
        for place, factor in enumerate(factors):
            more_n = torch.logsumexp(score_nm if factor == 1.0 else score_nm * factor, -1)
            more_right_n = _log_sum_by_row(row, right * factor, len(score_nm))
            all_KN[place, queries] = torch.logaddexp(all_KN[place, queries], more_n)
            right_KN[place, queries] = torch.logaddexp(right_KN[place, queries], more_right_n)
    return all_KN, right_KN


def _log_sum_by_row(row: Tensor, score: Tensor, rows: int) -> Tensor:
    """The logarithm of the sum of the exponentials of each row's scores; minus infinity for a row without any."""
    most_n = score.new_full((rows,), -math.inf).scatter_reduce_(0, row, score, "amax")
    sum_n = torch.zeros_like(most_n).index_add_(0, row, torch.exp(score - most_n[row]))
    return most_n + torch.log(sum_n)


@dataclass(frozen=True)
class _Piece:
    """A piece of the matrix: queries, slots, which of these each query sees (all if None), and where it finds its target."""

    queries: slice
    slots: slice
    seen_nm: Tensor | None
    right: tuple[Tensor, ...]

    def scores(self, query_ND: Tensor, key_MD: Tensor, scale: float) -> Tensor:
        """Similarities, minus infinity where nothing is seen."""
        score_nm = (query_ND[self.queries] @ key_MD[self.slots].T).float().mul_(scale)
        return score_nm if self.seen_nm is None else score_nm.masked_fill_(~self.seen_nm, -math.inf)


def _pieces(visibility: Visibility, target_N: Tensor, value_M: Tensor, ignore: int) -> Iterator[_Piece]:
    """Every piece of the matrix in which anything is seen."""
    counts_M = value_M != ignore
    every = bool(counts_M.all())
    for first in range(0, len(target_N), QUERIES_AT_ONCE):
        queries = slice(first, min(first + QUERIES_AT_ONCE, len(target_N)))
        asking = visibility.of(queries)
        span = asking.span()
        for begin in range(span.start, span.stop, SLOTS_AT_ONCE):
            slots = slice(begin, min(begin + SLOTS_AT_ONCE, span.stop))
            right_nm = value_M[slots] == target_N[queries, None]
            if every and asking.sees_all(slots):
                yield _Piece(queries, slots, None, torch.nonzero(right_nm, as_tuple=True))
                continue
            seen_nm = asking.mask(slots) & counts_M[slots]
            yield _Piece(queries, slots, seen_nm, torch.nonzero(right_nm & seen_nm, as_tuple=True))
