"""The compiled loops of the transformer byte model between two matrix products: one pass over each row of activations.

Each does what a function of `laconic.bytelm.integer_forward` of a similar name does, in the same order of IEEE operations;
no fast arithmetic is allowed, and no two operations are fused. Sizes of floats are compared as integers, since the bits of
numbers that are not negative are in the same order as the numbers: that loop can be vectorised as it stands. Kernels
release the interpreter's lock and touch only their own rows of the output.
"""

import numpy as np

from laconic.bytelm.fixedpoint import FRACTION, FRACTION_BITS, LOGARITHMS, MANTISSA_BITS, POWER_BITS, POWERS
from laconic.bytelm.integer_forward import LOGIT_LIMIT, RESIDUAL_LIMIT, TINY
from laconic.bytelm.weights import edge, fill_edges, scale_of
from laconic.compiled import kernel
from laconic.shapes import SYMBOLS

_POWERS = POWERS.astype(np.int32)
_LOGARITHMS = LOGARITHMS.astype(np.int32)
_TINY = np.float32(TINY)
_LIMIT = np.float32(RESIDUAL_LIMIT)
_LOGIT_LIMIT = np.float32(LOGIT_LIMIT)
_UNITS = np.float32(127)
_PER_UNIT = np.float32(1 / 127)
_ZERO = np.float32(0)
_SIZE = np.int32(0x7FFFFFFF)
_MANTISSA = np.int32((1 << MANTISSA_BITS) - 1)
_BELOW_MANTISSA = np.int32(23 - MANTISSA_BITS)
_BIAS = np.int32(127)


@kernel(error_model="numpy")
def largest_size(values_N: np.ndarray) -> np.float32:
    """The largest absolute value of a row of float32, at least `TINY`."""
    bits_N = values_N.view(np.int32)
    best = np.int32(0)
    for i in range(bits_N.size):
        best = max(best, bits_N[i] & _SIZE)
    found = np.empty(1, np.int32)
    found[0] = best
    largest: np.float32 = max(found.view(np.float32)[0], _TINY)
    return largest


@kernel(error_model="numpy")
def fill_units(values_N: np.ndarray, largest: np.float32, units_N: np.ndarray) -> None:
    """Values in units of 1/127 of the largest one."""
    factor = _UNITS / largest
    for i in range(values_N.size):
        units_N[i] = np.int8(np.rint(values_N[i] * factor))


@kernel(error_model="numpy")
def fill_normalised(
    residual_D: np.ndarray, gain_D: np.ndarray, epsilon: float, values_D: np.ndarray, units_D: np.ndarray
) -> np.float32:
    """RMSNorm of one row; returns the scale of its units. `values_D` is working memory."""
    squares = np.int64(0)
    for i in range(residual_D.size):
        here = np.int64(residual_D[i])
        squares += here * here
        values_D[i] = np.float32(residual_D[i]) * gain_D[i]
    largest = largest_size(values_D)
    fill_units(values_D, largest, units_D)
    root = np.sqrt(np.float64(squares) * (1.0 / residual_D.size) + epsilon)
    return np.float32(np.float64(largest) / (root * 127.0))


@kernel(error_model="numpy")
def normalise_rows(
    residual_ND: np.ndarray, gain_D: np.ndarray, epsilon: float, units_ND: np.ndarray, scale_N: np.ndarray
) -> None:
    """RMSNorm of each row."""
    values_D = np.empty(residual_ND.shape[1], np.float32)
    for n in range(residual_ND.shape[0]):
        scale_N[n] = fill_normalised(residual_ND[n], gain_D, epsilon, values_D, units_ND[n])


@kernel(error_model="numpy")
def add_and_normalise_rows(
    residual_ND: np.ndarray, sums_ND: np.ndarray, channel_D: np.ndarray, gain_D: np.ndarray, epsilon: float,
    units_ND: np.ndarray, scale_N: np.ndarray,
) -> None:  # fmt: skip
    """Add what a sub-layer says, then the RMSNorm of the next. `scale_N` holds the sums' scales first, then the norm's."""
    values_D = np.empty(residual_ND.shape[1], np.float32)
    for n in range(residual_ND.shape[0]):
        residual_D, sums_D, scale = residual_ND[n], sums_ND[n], scale_N[n]
        for i in range(residual_D.size):
            added = (np.float32(sums_D[i]) * channel_D[i]) * scale
            residual_D[i] += np.int32(np.rint(min(max(added, -_LIMIT), _LIMIT)))
        scale_N[n] = fill_normalised(residual_D, gain_D, epsilon, values_D, units_ND[n])


@kernel(error_model="numpy")
def gate_rows(sums_NM: np.ndarray, unit_F: np.ndarray, units_NF: np.ndarray, scale_N: np.ndarray) -> None:
    """relu(gate) x other for each row. `scale_N` holds the norm's scales first, then those of the result."""
    ffn = unit_F.size
    values_F = np.empty(ffn, np.float32)
    for n in range(sums_NM.shape[0]):
        gate_F, other_F = sums_NM[n, :ffn], sums_NM[n, ffn:]
        for i in range(ffn):
            values_F[i] = (np.float32(max(gate_F[i], np.int32(0))) * np.float32(other_F[i])) * unit_F[i]
        largest = largest_size(values_F)
        fill_units(values_F, largest, units_NF[n])
        scale_N[n] = (largest * _PER_UNIT) * (scale_N[n] * scale_N[n])


@kernel(error_model="numpy")
def fill_logits(sums_S: np.ndarray, channel_S: np.ndarray, scale: np.float32, logits_S: np.ndarray) -> None:
    """The logits of one prediction, int32, in units of 1/128 bit."""
    for i in range(SYMBOLS):
        logit = (np.float32(sums_S[i]) * channel_S[i]) * scale
        logits_S[i] = np.int32(np.rint(min(max(logit, -_LOGIT_LIMIT), _LOGIT_LIMIT)))


@kernel(error_model="numpy")
def add_prior(edges_C: np.ndarray, counts_S: np.ndarray, logits_S: np.ndarray) -> None:
    """Add the logarithms of the counts between edges, without the constant that all have in common.

    Counts below `2**24` are exact in float32, whose bits hold their exponent and the start of their mantissa.
    """
    for i in range(SYMBOLS):
        counts_S[i] = np.float32(np.int32(edges_C[i + 1] - edges_C[i]))
    bits_S = counts_S.view(np.int32)
    for i in range(SYMBOLS):
        bits = bits_S[i]
        logarithm = _LOGARITHMS[(bits >> _BELOW_MANTISSA) & _MANTISSA]
        logits_S[i] += (((bits >> np.int32(23)) - _BIAS) << np.int32(FRACTION_BITS)) + logarithm


@kernel(error_model="numpy")
def fill_powers(logits_S: np.ndarray, weights_S: np.ndarray) -> None:
    """The weight of each symbol, int32, from logits."""
    best = logits_S[0]
    for i in range(1, SYMBOLS):
        best = max(best, logits_S[i])
    for i in range(SYMBOLS):
        above = logits_S[i] - best
        whole = min(-(above >> np.int32(FRACTION_BITS)), np.int32(POWER_BITS + 1))
        weights_S[i] = _POWERS[above & np.int32(FRACTION - 1)] >> whole


@kernel(error_model="numpy")
def fill_prediction_ranges(
    sums_NS: np.ndarray, channel_S: np.ndarray, scale_N: np.ndarray, prior_NC: np.ndarray, symbols_N: np.ndarray,
    symbols: int, precision: int, starts_N: np.ndarray, stops_N: np.ndarray,
) -> None:  # fmt: skip
    """The two edges of each symbol of a run. `prior_NC` is empty where there is no prior."""
    logits_S, weights_S = np.empty(SYMBOLS, np.int32), np.empty(SYMBOLS, np.int32)
    counts_S = np.empty(SYMBOLS, np.float32)
    for n in range(sums_NS.shape[0]):
        fill_logits(sums_NS[n], channel_S, scale_N[n], logits_S)
        if prior_NC.shape[0]:
            add_prior(prior_NC[n], counts_S, logits_S)
        fill_powers(logits_S, weights_S)
        symbol = int(symbols_N[n])
        below = total = 0
        for i in range(symbol):
            below += int(weights_S[i])
        for i in range(symbols):
            total += int(weights_S[i])
        above = below + int(weights_S[symbol])
        if total == 0:
            below, above, total = symbol, symbol + 1, symbols
        scale = scale_of(total, symbols, precision)
        starts_N[n] = edge(symbol, below, scale, symbols, precision)
        stops_N[n] = edge(symbol + 1, above, scale, symbols, precision)


@kernel(error_model="numpy")
def fill_prediction_edges(
    sums_NS: np.ndarray, channel_S: np.ndarray, scale_N: np.ndarray, prior_NC: np.ndarray, places_N: np.ndarray,
    symbols: int, precision: int, edges_BC: np.ndarray,
) -> None:  # fmt: skip
    """All edges of each prediction n, written to row `places_N[n]`, beside which the prior's edges stand if there are any."""
    logits_S, powers_S = np.empty(SYMBOLS, np.int32), np.empty(SYMBOLS, np.int32)
    counts_S, weights_S = np.empty(SYMBOLS, np.float32), np.empty(SYMBOLS, np.int64)
    for n in range(sums_NS.shape[0]):
        fill_logits(sums_NS[n], channel_S, scale_N[n], logits_S)
        if prior_NC.shape[0]:
            add_prior(prior_NC[places_N[n]], counts_S, logits_S)
        fill_powers(logits_S, powers_S)
        for i in range(SYMBOLS):
            weights_S[i] = np.int64(powers_S[i])
        fill_edges(weights_S, symbols, precision, edges_BC[places_N[n]])
