"""Plain next-token prediction."""

from typing import Any, final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
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
        nll_sum, z_sum = sum_losses(logits_BTV, batch.tokens_BT, batch.pad_id)
        nll = nll_sum / count
        if not self._z_loss:
            return LossOutput(loss=nll, statistics={"nll": nll.detach()})
        penalty = self._z_loss * z_sum / count
        return LossOutput(loss=nll + penalty, statistics={"nll": nll.detach(), "z_loss": penalty.detach()})


def sum_losses(
    logits_BTV: Float[Tensor, "B T V"], tokens_BT: Int64[Tensor, "B T"], pad_id: int
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """The negative log-likelihood in nats, and the square of the log normaliser, summed over all tokens but padding."""
    partition_N, gold_N = vocabulary_mass(logits_BTV.flatten(0, 1), tokens_BT.flatten(), ignore=pad_id)
    carries_N = (tokens_BT != pad_id).flatten()
    return ((partition_N - gold_N) * carries_N).sum(), (partition_N * carries_N).square().sum()


def vocabulary_mass(
    logits_NV: Float[Tensor, "N V"], target_N: Int64[Tensor, "N"], *, ignore: int
) -> tuple[Float[Tensor, "N"], Float[Tensor, "N"]]:
    """Logarithms of what all words of the vocabulary weigh, and of what the target does; as cheap as cross-entropy.

    Args:
        logits_NV: the model's.
        target_N: what is to be predicted.
        ignore: the target where nothing is; both numbers mean nothing there.
    """
    known_N = target_N.masked_fill(target_N == ignore, 0)
    partition_N, gold_N = _VocabularyMass.apply(logits_NV, known_N)  # type: ignore[no-untyped-call]
    return partition_N, gold_N


class _VocabularyMass(torch.autograd.Function):
    """PyTorch would write the gradient of each of the two numbers into a matrix of its own."""

    @staticmethod
    def forward(ctx: Any, logits_NV: Tensor, target_N: Tensor) -> tuple[Tensor, Tensor]:
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


def shift_right(tokens_BT: Int64[Tensor, "B T"], start_id: int) -> Int64[Tensor, "B T"]:
    """What a model reads to predict `tokens_BT`: the start symbol, then all tokens but the last."""
    return functional.pad(tokens_BT[:, :-1], (1, 0), value=start_id)


def predict(model: nn.Module, tokens_BT: Int64[Tensor, "B T"], *, vocab_size: int, start_id: int) -> Float[Tensor, "B T V"]:
    """Logits of each token given those before it in its row, in float32, over the `vocab_size` ids that carry text."""
    output = model(input_ids=shift_right(tokens_BT, start_id), use_cache=False)
    logits_BTV: Tensor = output.logits[..., :vocab_size].float()
    return logits_BTV
