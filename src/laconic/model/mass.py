"""What a vocabulary says of each target, without the matrix of all logits.

Two numbers for each position are all that losses and memories ask of a vocabulary:

    partition   log of what all of its words weigh
    gold        log of what the target weighs; `gold - partition` is its log probability

A head of 33,000 words on a batch of 4,096 tokens has half a gigabyte of logits. `head_mass` goes through it in pieces that
stay in the cache, and computes them once more for the gradient; `logits_mass` is the same from logits that are there already.
"""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.autograd.function import once_differentiable

Mass = tuple[Float[Tensor, "N"], Float[Tensor, "N"]]
"""Partition and gold of each position, in float32."""

ROWS_AT_ONCE, WORDS_AT_ONCE = 512, 1024
"""The largest piece of the matrix of logits that exists at once."""


def head_mass(hidden_ND: Float[Tensor, "N D"], weight_VD: Float[Tensor, "V D"], target_N: Int64[Tensor, "N"]) -> Mass:
    """Partition and gold of the logits `hidden @ weight.T`, which never exist all at once.

    Under autocast both are rounded to its type, as a linear layer would.

    Args:
        hidden_ND: hidden states.
        weight_VD: one row for each word.
        target_N: the words whose logits are asked for.
    """
    kind = hidden_ND.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight_VD.dtype
    partition_N, gold_N = _HeadMass.apply(hidden_ND.to(dtype), weight_VD.to(dtype), target_N)  # type: ignore[no-untyped-call]
    return partition_N, gold_N


def logits_mass(logits_NV: Float[Tensor, "N V"], target_N: Int64[Tensor, "N"]) -> Mass:
    """Partition and gold of logits in float32; as cheap as cross-entropy.

    Args:
        logits_NV: the model's.
        target_N: the words whose logits are asked for.
    """
    partition_N, gold_N = _LogitsMass.apply(logits_NV, target_N)  # type: ignore[no-untyped-call]
    return partition_N, gold_N


class _HeadMass(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden_ND: Tensor, weight_VD: Tensor, target_N: Tensor) -> Mass:
        hidden_ND, weight_VD = hidden_ND.detach(), weight_VD.detach()
        partition_N = torch.full((len(hidden_ND),), -torch.inf, device=hidden_ND.device)
        gold_N = partition_N.clone()
        for rows, words in _pieces(len(hidden_ND), len(weight_VD)):
            logits_nv = (hidden_ND[rows] @ weight_VD[words].T).float()
            place_n, inside_n = _place(target_N[rows], words)
            gold_N[rows] = torch.where(inside_n, logits_nv.gather(-1, place_n[:, None])[:, 0], gold_N[rows])
            partition_N[rows] = torch.logaddexp(partition_N[rows], torch.logsumexp(logits_nv, -1))
        ctx.save_for_backward(hidden_ND, weight_VD, target_N, partition_N)
        return partition_N, gold_N

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_partition_N: Tensor, grad_gold_N: Tensor) -> tuple[Tensor, Tensor, None]:
        hidden_ND, weight_VD, target_N, partition_N = ctx.saved_tensors
        grad_hidden_ND = torch.zeros(hidden_ND.shape, device=hidden_ND.device)
        grad_weight_VD = torch.zeros(weight_VD.shape, device=weight_VD.device)
        for rows, words in _pieces(len(hidden_ND), len(weight_VD)):
            slope_nv = (hidden_ND[rows] @ weight_VD[words].T).float()
            slope_nv.sub_(partition_N[rows, None]).exp_().mul_(grad_partition_N[rows, None])
            place_n, inside_n = _place(target_N[rows], words)
            slope_nv.scatter_add_(-1, place_n[:, None], (grad_gold_N[rows] * inside_n)[:, None])
            slope_nv = slope_nv.to(hidden_ND.dtype)
            grad_hidden_ND[rows] += slope_nv @ weight_VD[words]
            grad_weight_VD[words] += slope_nv.T @ hidden_ND[rows]
        return grad_hidden_ND.to(hidden_ND.dtype), grad_weight_VD.to(weight_VD.dtype), None


class _LogitsMass(torch.autograd.Function):
    """PyTorch would write the gradient of each of the two numbers into a matrix of its own."""

    @staticmethod
    def forward(ctx: Any, logits_NV: Tensor, target_N: Tensor) -> Mass:
        log_share_NV = torch.log_softmax(logits_NV.detach(), -1)
        gold_N = logits_NV.detach().gather(-1, target_N[:, None])[:, 0]
        ctx.save_for_backward(log_share_NV, target_N)
        return gold_N - log_share_NV.gather(-1, target_N[:, None])[:, 0], gold_N

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_partition_N: Tensor, grad_gold_N: Tensor) -> tuple[Tensor, None]:
        log_share_NV, target_N = ctx.saved_tensors
        grad_NV = torch.exp(log_share_NV).mul_(grad_partition_N[:, None])
        return grad_NV.scatter_add_(-1, target_N[:, None], grad_gold_N[:, None]), None


def _pieces(rows: int, words: int) -> Iterator[tuple[slice, slice]]:
    for word in range(0, words, WORDS_AT_ONCE):
        for row in range(0, rows, ROWS_AT_ONCE):
            yield slice(row, row + ROWS_AT_ONCE), slice(word, min(word + WORDS_AT_ONCE, words))


def _place(target_n: Tensor, words: slice) -> tuple[Tensor, Tensor]:
    """Where targets lie in a piece, and which of them do."""
    place_n = target_n - words.start
    return place_n.clamp(0, words.stop - words.start - 1), (place_n >= 0) & (target_n < words.stop)
