"""Plain next-token prediction."""

from typing import final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from laconic.training.objective import AbstractObjective, Batch, LossOutput


@final
class LanguageModeling(AbstractObjective):
    """Predict every token of a segment from those before it; the first one from the start symbol alone.

    The input is the segment shifted right by one, behind the start symbol, as T5X does for decoders. So a segment of T
    tokens gives T predictions, and a held-out text can be charged for all of its tokens. Cross-entropy is computed in
    float32 over the ids that carry text: the padding id is never a target and takes no probability.

    Args:
        vocab_size: V, how many ids carry text; `vocab_size` itself is the padding and start id.
        z_loss: weight of `log(Z)^2`, which keeps the softmax normaliser near 1; the paper uses 1e-4, 0 turns it off.
    """

    def __init__(self, *, vocab_size: int, z_loss: float = 0.0) -> None:
        if vocab_size < 1:
            raise ValueError(f"vocab_size is {vocab_size}, but must be at least 1")
        if not z_loss >= 0:
            raise ValueError(f"z_loss is {z_loss}, but must not be negative")
        self._vocab_size = vocab_size
        self._z_loss = z_loss

    def loss(self, model: nn.Module, batch: Batch) -> LossOutput:
        """The mean negative log-likelihood in nats, plus the z-loss; statistic `nll` is without it."""
        logits_BTV = predict(model, batch.tokens_BT, vocab_size=self._vocab_size, start_id=batch.pad_id)
        count = max(batch.count, 1)
        if not self._z_loss:
            flat_NV, targets_N = logits_BTV.flatten(0, 1), batch.tokens_BT.flatten()
            nll = functional.cross_entropy(flat_NV, targets_N, ignore_index=batch.pad_id, reduction="sum") / count
            return LossOutput(loss=nll, statistics={"nll": nll.detach()})
        nll_sum, z_sum = sum_losses(logits_BTV, batch.tokens_BT, batch.pad_id)
        nll, penalty = nll_sum / count, self._z_loss * z_sum / count
        return LossOutput(loss=nll + penalty, statistics={"nll": nll.detach(), "z_loss": penalty.detach()})


def sum_losses(
    logits_BTV: Float[Tensor, "B T V"], tokens_BT: Int64[Tensor, "B T"], pad_id: int
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """The negative log-likelihood in nats, and the square of the log normaliser, summed over all tokens but padding."""
    # One normaliser serves both terms: with large vocabularies it is most of the work.
    carries_BT = tokens_BT != pad_id
    normaliser_BT = torch.logsumexp(logits_BTV, dim=-1) * carries_BT
    picked_BT = logits_BTV.gather(-1, (tokens_BT * carries_BT)[..., None])[..., 0] * carries_BT
    return (normaliser_BT - picked_BT).sum(), normaliser_BT.square().sum()


def shift_right(tokens_BT: Int64[Tensor, "B T"], start_id: int) -> Int64[Tensor, "B T"]:
    """What a model reads to predict `tokens_BT`: the start symbol, then all tokens but the last."""
    return functional.pad(tokens_BT[:, :-1], (1, 0), value=start_id)


def predict(model: nn.Module, tokens_BT: Int64[Tensor, "B T"], *, vocab_size: int, start_id: int) -> Float[Tensor, "B T V"]:
    """Logits of each token given those before it in its row, in float32, over the `vocab_size` ids that carry text."""
    output = model(input_ids=shift_right(tokens_BT, start_id), use_cache=False)
    logits_BTV: Tensor = output.logits[..., :vocab_size].float()
    return logits_BTV
