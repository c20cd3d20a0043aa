import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from laconic.bytelm.products import (
    IN_FLOATS,
    IN_INTEGERS,
    attention_products,
    is_right,
    multiply_weights,
    prepare_weights,
    weight_products,
)

SIZES = st.integers(1, 70)
ISAS = [{}, {"ONEDNN_MAX_CPU_ISA": "AVX2"}, {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"}, {"ATEN_CPU_CAPABILITY": "default"}]

SATURATE = """
import torch
from laconic.bytelm.products import attention_products, is_right, weight_products
assert is_right(weight_products(), 64)
assert is_right(attention_products(), 127)
"""


def random_bytes(seed: int, limit: int, *shape: int) -> torch.Tensor:
    return torch.randint(-limit, limit + 1, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.int8)


@given(rows=SIZES, inputs=SIZES, outputs=SIZES, seed=st.integers(0, 99))
@settings(max_examples=60)
def test_weights_of_any_shape(rows: int, inputs: int, outputs: int, seed: int) -> None:
    left_MK, weight_NK = random_bytes(seed, 127, rows, inputs), random_bytes(seed + 1, 64, outputs, inputs)
    out_MN = torch.full((rows, outputs), 7, dtype=torch.int32)
    multiply_weights(left_MK, prepare_weights(weight_NK), out_MN)
    assert (out_MN == left_MK.long() @ weight_NK.long().T).all()


@given(rows=SIZES, inputs=SIZES, outputs=SIZES, seed=st.integers(0, 99), transposed=st.booleans())
@settings(max_examples=60)
def test_keys_and_values_of_any_shape(rows: int, inputs: int, outputs: int, seed: int, transposed: bool) -> None:
    inputs = inputs + 1 if transposed else inputs  # A head has two channels at least.
    left_MK, right_KN = random_bytes(seed, 127, rows, inputs), random_bytes(seed + 1, 127, inputs, outputs)
    operand_KN = right_KN.T.clone(memory_format=torch.contiguous_format).T if transposed else right_KN
    out_MN = torch.full((rows, outputs), 7, dtype=torch.int32)
    attention_products().multiply(left_MK, attention_products().prepare(operand_KN), out_MN)
    assert (out_MN == left_MK.long() @ right_KN.long()).all()


@pytest.mark.parametrize("inputs", [1, 256])
@pytest.mark.parametrize("rows", [1, 2])
def test_weights_keep_their_order_in_both_layouts(rows: int, inputs: int) -> None:
    weight_NK = random_bytes(0, 64, 40, inputs)
    operand = prepare_weights(weight_NK)
    assert (operand.many == weight_NK.T).all()
    assert (operand.single == weight_NK.T).all()


@pytest.mark.parametrize("limit", [64, 127])
def test_floats_are_always_right(limit: int) -> None:
    assert is_right(IN_FLOATS, limit)


def test_what_saturates_is_seen() -> None:
    def saturate(left_MK: torch.Tensor, right_KN: torch.Tensor, out_MN: torch.Tensor) -> None:
        out_MN.copy_((left_MK.float() @ right_KN.float()).clamp(-(1 << 20), 1 << 20))

    assert not is_right(type(IN_INTEGERS)(prepare=lambda right: right, multiply=saturate), 127)


@pytest.mark.parametrize("settings", ISAS, ids=str)
def test_the_choice_is_right_with_other_instructions(settings: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", SATURATE], env=os.environ | settings, check=True)


def test_the_choice_is_made_once() -> None:
    assert weight_products() is weight_products()
    assert weight_products() in (IN_INTEGERS, IN_FLOATS)
