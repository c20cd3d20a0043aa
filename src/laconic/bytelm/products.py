"""Exact matrix products of int8, in whichever way is right on this machine and fastest.

`torch._int_mm` uses the processor's int8 instructions. Those without VNNI saturate silently unless one operand stays
within +-64, and without oneDNN the same call is a plain loop. In float32 every sum of products below `2**24` is exact, in
any order. Both are tried once, on the inputs that saturate first; results never depend on the choice.
"""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Int8
from torch import Tensor

from laconic.bytelm.transformer_weights import WEIGHT_LIMIT

ACTIVATION_LIMIT = 127
"""Activations, keys, values and pieces of attention weights lie between -127 and 127."""


@final
@dataclass(frozen=True)
class Products:
    """One way of multiplying matrices of int8.

    Attributes:
        prepare: what the second operand has to become; an int8 matrix of shape (inputs, outputs) goes in.
        multiply: `multiply(left, prepared, out)` with int8 of shape (rows, inputs) and int32 of shape (rows, outputs).
    """

    prepare: Callable[[Tensor], Tensor]
    multiply: Callable[[Tensor, Tensor, Tensor], object]


def _multiply_integers(left: Tensor, right: Tensor, out: Tensor) -> None:
    torch._int_mm(left, right, out=out)


def _multiply_floats(left: Tensor, right: Tensor, out: Tensor) -> None:
    out.copy_(left.float() @ right)


IN_INTEGERS = Products(prepare=lambda right: right, multiply=_multiply_integers)
"""By int8 instructions, where the processor has them."""

IN_FLOATS = Products(prepare=lambda right: right.float(), multiply=_multiply_floats)
"""In float32: all sums stay below `2**24`. A lower precision that a user sets for products still holds int8 exactly."""


@final
@dataclass(frozen=True)
class Operand:
    """Weights as second operand, laid out twice: one row of activations reads them in another order than many.

    Attributes:
        many: of shape (inputs, outputs), rows one behind the other.
        single: the same numbers, columns one behind the other.
    """

    many: Tensor
    single: Tensor


def prepare_weights(weight: Int8[Tensor, "N K"]) -> Operand:
    """Weights of shape (outputs, inputs), within +-64, as second operand."""
    prepared_KN = weight_products().prepare(weight.T)
    # A fresh copy, even where nothing moves: given a row with strides of (1, 1), `torch._int_mm` silently computes nothing.
    many_KN = torch.empty(prepared_KN.shape, dtype=prepared_KN.dtype).copy_(prepared_KN)
    return Operand(many=many_KN, single=many_KN.T.contiguous().T)


def multiply_weights(left_MK: Tensor, weights: Operand, out_MN: Tensor) -> None:
    """Exact products of int8 activations and weights, written to an int32 matrix."""
    weight_products().multiply(left_MK, weights.single if left_MK.shape[0] == 1 else weights.many, out_MN)


@functools.cache
def weight_products() -> Products:
    """For a second operand within +-64: activations times weights."""
    return _choose(WEIGHT_LIMIT)


@functools.cache
def attention_products() -> Products:
    """For two operands within +-127: queries times keys, and attention weights, seven bits at a time, times values."""
    return _choose(ACTIVATION_LIMIT)


def _choose(limit: int) -> Products:
    """The faster of those that are right; float32 always is."""
    right = [ways for ways in (IN_INTEGERS, IN_FLOATS) if ways is IN_FLOATS or is_right(ways, limit)]
    return min(right, key=_seconds)


def is_right(ways: Products, limit: int) -> bool:
    """Whether products are exact on the inputs that saturate first, for shapes as they occur and odd ones."""
    shapes = ((1, 256, 384), (3, 64, 65), (64, 64, 256), (256, 320, 64), (40, 1024, 256))
    return all(
        _largest_is_right(ways, shape, left, right) for shape in shapes for left in (-127, 127) for right in (-limit, limit)
    )


def _largest_is_right(ways: Products, shape: tuple[int, int, int], left: int, right: int) -> bool:
    rows, inputs, outputs = shape
    left_MK = torch.full((rows, inputs), left, dtype=torch.int8)
    out_MN = torch.zeros((rows, outputs), dtype=torch.int32)
    plain_KN = torch.full((inputs, outputs), right, dtype=torch.int8)
    for right_KN in (plain_KN, plain_KN.T.contiguous().T):
        ways.multiply(left_MK, ways.prepare(right_KN), out_MN)
        if not bool((out_MN == inputs * left * right).all()):
            return False
    return True


def _seconds(ways: Products) -> float:
    """How long a product of a usual size takes: the best of a few."""
    left_MK, right_KN = torch.ones((64, 256), dtype=torch.int8), ways.prepare(torch.ones((256, 256), dtype=torch.int8))
    out_MN, best = torch.zeros((64, 256), dtype=torch.int32), float("inf")
    for _ in range(4):
        begin = time.perf_counter()
        ways.multiply(left_MK, right_KN, out_MN)
        best = min(best, time.perf_counter() - begin)
    return best
