"""Next-symbol prediction for byte models: in short contexts too, and on top of another model's predictions."""

import math
from typing import final

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor, nn

from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.fixedpoint import FRACTION
from laconic.bytelm.prior import prior_logits
from laconic.model.mass import logits_mass
from laconic.shapes import SYMBOLS
from laconic.training.language_modeling import predict, sum_losses
from laconic.training.objective import AbstractObjective, Batch, LossOutput


@final
class ByteModeling(AbstractObjective[Batch]):
    """Predict every symbol of a segment from those before it, the first one from nothing.

    Args:
        prior: a byte model whose logarithms are added to the network's logits; None for the network alone.
        short: the share of rows that are cut into pieces of `piece` symbols, each read from an empty context, 0 to 1.
            Windows and small files begin there, and long segments hardly show it.
        piece: symbols in such a piece; divides the segments.
        z_loss: weight of the squared log normaliser.
    """

    def __init__(self, *, prior: AbstractByteLM | None, short: float = 0.0, piece: int = 32, z_loss: float = 0.0) -> None:
        if not 0 <= short <= 1:
            raise ValueError(f"short is {short}, but must lie between 0 and 1")
        self._prior, self._short, self._piece, self._z_loss = prior, short, piece, z_loss

    def loss(self, model: nn.Module, batch: Batch) -> LossOutput:
        """The mean negative log-likelihood in nats, plus the z-loss; statistic `nll` is without it."""
        count = max(batch.count, 1)
        sums = [
            self._sums(model, tokens_BT, batch.pad_id) for tokens_BT in split_rows(batch.tokens_BT, self._short, self._piece)
        ]
        nll_sum, z_sum = torch.stack([torch.stack(pair) for pair in sums]).sum(0)
        nll, penalty = nll_sum / count, self._z_loss * z_sum / count
        statistics = {"nll": nll.detach(), "z_loss": penalty.detach()}
        return LossOutput(loss=nll + penalty, statistics=statistics)

    def _sums(self, model: nn.Module, tokens_BT: Int64[Tensor, "B T"], pad_id: int) -> tuple[Tensor, Tensor]:
        logits_NV = symbol_logits(model, tokens_BT, self._prior, pad_id).flatten(0, 1)
        target_N = tokens_BT.flatten()
        return sum_losses(logits_mass(logits_NV, target_N.masked_fill(target_N == pad_id, 0)), tokens_BT, pad_id)


def symbol_logits(
    model: nn.Module, tokens_BT: Int64[Tensor, "B T"], prior: AbstractByteLM | None, start: int
) -> Float32[Tensor, "B T 257"]:
    """Logits of each symbol given those before it in its row: the network's, plus the prior's if there is one.

    Args:
        model: a causal Hugging Face model of 258 symbols.
        tokens_BT: symbols, padded on the right with `start`.
        prior: a byte model, or None.
        start: the input before the first symbol.
    """
    logits_BTS = predict(model, tokens_BT, vocab_size=SYMBOLS, start_id=start)
    return logits_BTS if prior is None else logits_BTS + prior_nats(prior, tokens_BT)


def prior_nats(prior: AbstractByteLM, tokens_BT: Int64[Tensor, "B T"]) -> Float32[Tensor, "B T 257"]:
    """The prior's logarithms at every position, in nats, on the device of the symbols.

    Args:
        prior: a byte model.
        tokens_BT: symbols; what is none, on the right, is padding.
    """
    read_BT = tokens_BT.cpu().numpy()
    symbols_BT = np.where(read_BT < SYMBOLS, read_BT, 0).astype(np.uint16)
    known_BTS = torch.from_numpy(prior_logits(prior, symbols_BT)).to(tokens_BT.device)
    return known_BTS * (math.log(2) / FRACTION)


def split_rows(tokens_BT: Int64[Tensor, "B T"], short: float, piece: int) -> list[Int64[Tensor, "_ _"]]:
    """Segments as they are to be read: most whole, some in pieces, each from an empty context; neither list of rows is empty.

    Args:
        tokens_BT: segments.
        short: the share of rows that are cut into pieces, 0 to 1.
        piece: symbols in such a piece; divides the segments.
    """
    cut = round(short * len(tokens_BT))
    return [rows for rows in (tokens_BT[cut:], tokens_BT[:cut].reshape(-1, piece)) if len(rows)]
