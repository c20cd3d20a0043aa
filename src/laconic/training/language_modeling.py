"""Plain next-token prediction."""

from typing import final

from accelerate.utils import extract_model_from_parallel
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from laconic.model.head import output_mass
from laconic.model.mass import Mass
from laconic.training.objective import AbstractObjective, Batch, LossOutput


@final
class LanguageModeling(AbstractObjective[Batch]):
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
        mass = vocabulary_mass(model, batch.tokens_BT, vocab_size=self._vocab_size, start_id=batch.pad_id)
        count = max(batch.count, 1)
        nll_sum, z_sum = sum_losses(mass, batch.tokens_BT, batch.pad_id)
        nll = nll_sum / count
        if not self._z_loss:
            return LossOutput(loss=nll, statistics={"nll": nll.detach()})
        penalty = self._z_loss * z_sum / count
        return LossOutput(loss=nll + penalty, statistics={"nll": nll.detach(), "z_loss": penalty.detach()})


def sum_losses(mass: Mass, tokens_BT: Int64[Tensor, "B T"], pad_id: int) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """The negative log-likelihood in nats, and the square of the log normaliser, summed over all tokens but padding.

    Args:
        mass: what the whole vocabulary and each token weigh.
        tokens_BT: the tokens.
        pad_id: padding.
    """
    partition_N, gold_N = mass
    carries_N = (tokens_BT != pad_id).flatten()
    return ((partition_N - gold_N) * carries_N).sum(), (partition_N * carries_N).square().sum()


def vocabulary_mass(
    model: nn.Module,
    tokens_BT: Int64[Tensor, "B T"],
    *,
    vocab_size: int,
    start_id: int,
    asked_BT: Bool[Tensor, "B T"] | None = None,
) -> Mass:
    """Logarithms of what all words of the vocabulary weigh, and of what each token does, given those before it in its row.

    No matrix of all logits is built. Under data parallelism, the model is called as it is wrapped, so that its gradients are
    shared as ever, those of the output among them.

    Args:
        model: a causal Hugging Face model, wrapped or not.
        tokens_BT: the tokens to be predicted.
        vocab_size: V, how many ids carry text.
        start_id: the start symbol, and padding; both numbers mean nothing there.
        asked_BT: which of the tokens the answer is for; all if None.

    Raises:
        UsageError: its output is not one matrix.
    """
    # The states behind the last norm are what the output reads; of its own logits, the fewest that can be had.
    output = model(input_ids=shift_right(tokens_BT, start_id), use_cache=False, output_hidden_states=True, logits_to_keep=1)
    hidden_BTD: Tensor = output.hidden_states[-1]
    target_BT = tokens_BT.masked_fill(tokens_BT == start_id, 0)
    flat = (hidden_BTD.flatten(0, 1), target_BT.flatten()) if asked_BT is None else (hidden_BTD[asked_BT], target_BT[asked_BT])
    return output_mass(extract_model_from_parallel(model), *flat, vocab_size=vocab_size)


def shift_right(tokens_BT: Int64[Tensor, "B T"], start_id: int) -> Int64[Tensor, "B T"]:
    """What a model reads to predict `tokens_BT`: the start symbol, then all tokens but the last."""
    return functional.pad(tokens_BT[:, :-1], (1, 0), value=start_id)


def predict(model: nn.Module, tokens_BT: Int64[Tensor, "B T"], *, vocab_size: int, start_id: int) -> Float[Tensor, "B T V"]:
    """Logits of each token given those before it in its row, in float32, over the `vocab_size` ids that carry text."""
    output = model(input_ids=shift_right(tokens_BT, start_id), use_cache=False)
    logits_BTV: Tensor = output.logits[..., :vocab_size].float()
    return logits_BTV
