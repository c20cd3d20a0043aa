from typing import Any

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bytelm.random_transformers import ANY_SHAPE, random_model, random_symbols

from laconic.bytelm.transformer_parallel import ParallelReader
from laconic.bytelm.transformer_weights import START


@given(shape=ANY_SHAPE, seed=st.integers(0, 50), rows=st.integers(1, 3), cuts=st.sets(st.integers(1, 89)))
@settings(max_examples=40)
def test_any_cut_into_stretches_reads_the_same(shape: dict[str, Any], seed: int, rows: int, cuts: set[int]) -> None:
    network = random_model(seed, **shape).network
    inputs_RT = random_symbols(seed, rows, 90, 257)
    inputs_RT[:, 0] = START
    whole_NS, scale_N = ParallelReader(network, rows, 90).read(inputs_RT)
    reader, parts, scales = ParallelReader(network, rows, 90), [], []
    for part_RT in np.split(inputs_RT, sorted(cuts), axis=1):
        sums_NS, part_N = reader.read(part_RT)
        parts.append(sums_NS.reshape(rows, -1, 257).copy())
        scales.append(part_N.reshape(rows, -1).copy())
    assert (np.concatenate(parts, axis=1) == whole_NS.reshape(rows, 90, 257)).all()
    assert (np.concatenate(scales, axis=1) == scale_N.reshape(rows, 90)).all()


def test_what_is_kept_is_the_end_of_the_band() -> None:
    network = random_model(1, band=8).network
    inputs_RT = random_symbols(1, 2, 30)
    long, short = ParallelReader(network, 2, 30), ParallelReader(network, 2, 30)
    long.read(inputs_RT)
    short.read(inputs_RT[:, :27])
    assert long.cache.shape[3] == 7
    assert (long.cache[:, :, :, :4] == short.cache[:, :, :, 3:]).all()


def test_threads_of_torch_do_not_matter() -> None:
    network, inputs_RT = random_model(2, width=64).network, random_symbols(2, 1, 400)
    before, answers = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            answers.append(ParallelReader(network, 1, 400).read(inputs_RT)[0])
    finally:
        torch.set_num_threads(before)
    assert (answers[0] == answers[1]).all()
