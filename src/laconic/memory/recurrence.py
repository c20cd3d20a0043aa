"""Recurrence (Dai et al. 2019, Transformer-XL): each segment attends to the keys and values of the one before it.

The baseline that models with memory are compared with: it too sees beyond its segment, by what its layers computed there. No
gradient goes back. Positions are rotary, so keys that were computed at positions T to 2T are turned back by T, and lie
before the next segment as if they had been computed there.

    carried keys and values   | segment
    0 ....................... T ........ 2T     positions
"""

from collections.abc import Mapping, Sequence
from typing import cast, final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from laconic.errors import UsageError
from laconic.model.head import output_mass
from laconic.model.mass import Mass
from laconic.training.language_modeling import sum_losses
from laconic.training.objective import AbstractObjective, Batch, LossOutput


@final
class Recurrence:
    """A model that reads segment after segment, in as many rows as there are texts at once.

    Args:
        model: with rotary positions, as Llama and Mistral have them; not wrapped.

    Raises:
        UsageError: its positions are of another kind.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        rotary = getattr(model.base_model, "rotary_emb", None)
        if rotary is None or getattr(rotary, "rope_type", "") != "default":
            raise UsageError(
                f"{type(model).__name__} has no plain rotary positions, which recurrence turns back: use a Llama or Mistral"
            )
        self._rotary, self._model = rotary, model
        self.carried: tuple[Tensor, ...] = ()
        """Of each layer in turn keys and values, B H T D; nothing before the first segment."""
        self.last_B: Tensor | None = None
        """The last token of each row."""

    def forget(self) -> None:
        """The next segment is the first of its text."""
        self.carried, self.last_B = (), None

    def read(self, model: nn.Module, tokens_BT: Int64[Tensor, "B T"], *, vocab_size: int, start_id: int) -> Mass:
        """What the vocabulary and each token weigh, given all tokens before it in this segment and the one before.

        Args:
            model: the same model, perhaps wrapped for several processes.
            tokens_BT: the next segment of each row, without padding.
            vocab_size: V.
            start_id: what stands before the first token of a text.
        """
        first_B = torch.full_like(tokens_BT[:, 0], start_id) if self.last_B is None else self.last_B
        inputs_BT = torch.cat([first_B[:, None], tokens_BT[:, :-1]], dim=1)
        cache = self.recall()
        begin = self.carried[0].shape[-2] if self.carried else tokens_BT.shape[1]
        position_1T = torch.arange(begin, begin + tokens_BT.shape[1], device=tokens_BT.device)[None]
        output = model(
            input_ids=inputs_BT,
            position_ids=position_1T,
            past_key_values=cache,
            use_cache=True,
            output_hidden_states=True,
            logits_to_keep=1,
        )
        self.carry(cache, tokens_BT)
        hidden_ND = output.hidden_states[-1].flatten(0, 1)
        return output_mass(self._model, hidden_ND, tokens_BT.flatten(), vocab_size=vocab_size)

    def carry(self, cache: DynamicCache, tokens_BT: Int64[Tensor, "B T"]) -> None:
        """Keep what the next segment attends to.

        Args:
            cache: what `recall` gave, after the model has read a segment with it.
            tokens_BT: the tokens of that segment.
        """
        layers, length = cast(Sequence[DynamicLayer], cache.layers), tokens_BT.shape[1]
        parts = [cast(Tensor, part) for layer in layers for part in (layer.keys, layer.values)]
        self.carried, self.last_B = tuple(part[..., -length:, :].detach() for part in parts), tokens_BT[:, -1].clone()

    def recall(self) -> DynamicCache:
        """What is carried, at the positions just before those of the next segment, whose own come behind it."""
        cache = DynamicCache()
        for layer, (keys, values) in enumerate(zip(self.carried[::2], self.carried[1::2], strict=True)):
            cache.update(self._turned_back(keys), values, layer)
        return cache

    def _turned_back(self, keys_BHTD: Float[Tensor, "B H T D"]) -> Float[Tensor, "B H T D"]:
        position = torch.tensor([[-keys_BHTD.shape[2]]], device=keys_BHTD.device)
        cosine, sine = self._rotary(keys_BHTD, position)
        turned: Tensor = apply_rotary_pos_emb(keys_BHTD, keys_BHTD, cosine, sine)[1]
        return turned


@final
class Recurrent(AbstractObjective[Batch]):
    """Next-token prediction with recurrence, for batches whose rows go on where those of the batch before stopped.

    Args:
        model: with rotary positions; not wrapped.
        vocab_size: V, how many ids carry text.

    Raises:
        UsageError: its positions are of another kind.
    """

    def __init__(self, model: PreTrainedModel, *, vocab_size: int) -> None:
        self._model, self._vocab_size = model, vocab_size
        self._parts, self._step, self._part = [Recurrence(model)], -1, 0

    def loss(self, model: nn.Module, batch: Batch) -> LossOutput:
        """The mean negative log-likelihood in nats."""
        # Where a batch comes in parts, each has rows of its own, and its own past.
        self._part, self._step = (self._part + 1 if batch.step == self._step else 0), batch.step
        while self._part >= len(self._parts):
            self._parts.append(Recurrence(self._model))
        past = self._parts[self._part]
        if not batch.continues:
            past.forget()
        mass = past.read(model, batch.tokens_BT, vocab_size=self._vocab_size, start_id=batch.pad_id)
        nll = sum_losses(mass, batch.tokens_BT, batch.pad_id)[0] / max(batch.count, 1)
        return LossOutput(loss=nll, statistics={"nll": nll.detach()})

    def state(self) -> dict[str, Tensor]:
        """What is carried."""
        tensors = dict[str, Tensor]()
        for number, part in enumerate(self._parts):
            if part.last_B is not None:
                named = {"last": part.last_B, **{str(place): tensor for place, tensor in enumerate(part.carried)}}
                tensors |= {f"{number}.{name}": tensor for name, tensor in named.items()}
        return tensors

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Carry what was carried when `state` was called."""
        device = next(self._model.parameters()).device
        count = 1 + max((int(name.partition(".")[0]) for name in tensors), default=0)
        self._parts = [Recurrence(self._model) for _ in range(count)]
        for number, part in enumerate(self._parts):
            named = {
                name.partition(".")[2]: tensor.to(device) for name, tensor in tensors.items() if name.startswith(f"{number}.")
            }
            part.last_B = named.pop("last", None)
            part.carried = tuple(named[str(place)] for place in range(len(named)))
