"""A Llama whose vocabulary comes in bands: frequent words with wide vectors, rare ones with narrow vectors.

Adaptive input and output (Baevski and Auli 2019, arXiv 1809.10853; Grave et al. 2017, arXiv 1609.04309), as language models of
the 267,744 words of WikiText-103 use them. Ids must be sorted from frequent to rare. Tables and projections are shared between
input and output:

    ids      0 ........ c1 .......... c2 ............ V    start
    input    table0 P0   table1 P1     table2 P2             (the last row of the last band)
    output   [ band 0 | cluster 1 | cluster 2 ]              the head: one softmax
                          |            |
                        band 1       band 2                  a tail each: how a cluster's share is divided

A word of band i > 0 weighs `exp(cluster logit) * P(word | its cluster)`, so the weights of all words add up to those of the
head, and a memory beside the vocabulary competes with the head alone.
"""

from copy import deepcopy
from itertools import pairwise
from typing import Any, cast, final

import torch
from huggingface_hub.dataclasses import strict
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig
from transformers.generation.utils import GenerationMixin
from transformers.modeling_outputs import CausalLMOutputWithPast
from transformers.models.llama.modeling_llama import LlamaModel, LlamaPreTrainedModel

from laconic.model.mass import Mass, head_mass


@strict
class AdaptiveLlamaConfig(LlamaConfig):  # type: ignore[no-untyped-call]
    """A Llama's config, and where its bands begin.

    Attributes:
        cutoffs: ids at which a new band begins, growing; `vocab_size - 1` words and the start symbol in all.
        factor: vectors of band i have `hidden_size / factor**i` numbers.
    """

    model_type = "laconic_adaptive_llama"
    __no_type_check__ = True  # A config takes fields that its signature does not name.

    cutoffs: list[int] | None = None
    factor: int = 4

    def bands(self) -> list[tuple[int, int]]:
        """First and last id, the last excluded, of the words of each band; the start symbol is none of them.

        Raises:
            ValueError: the cutoffs do not grow, or lie outside the vocabulary; or the factor does not divide the width.
        """
        edges = [0, *(self.cutoffs or []), self.vocab_size - 1]
        if any(edge >= after for edge, after in pairwise(edges)):
            raise ValueError(f"the cutoffs are {self.cutoffs}, but must grow, and lie between 0 and {self.vocab_size - 1}")
        if self.factor < 1 or self.hidden_size % self.factor ** (len(edges) - 2):
            raise ValueError(f"the factor is {self.factor}, whose powers must divide the width {self.hidden_size}")
        return list(pairwise(edges))


@final
class AdaptiveEmbedding(nn.Module):
    """Tables of several widths, each with a projection to the width of the model."""

    def __init__(self, config: AdaptiveLlamaConfig) -> None:
        super().__init__()
        self.bands = config.bands()
        widths = [config.hidden_size // config.factor**band for band in range(len(self.bands))]
        # The last row is the start symbol's.
        rows = [end - begin + (end == config.vocab_size - 1) for begin, end in self.bands]
        self.tables = nn.ModuleList(nn.Embedding(count, width) for count, width in zip(rows, widths, strict=True))
        self.projections = nn.ModuleList(nn.Linear(width, config.hidden_size, bias=False) for width in widths)

    def forward(self, ids: Int64[Tensor, "..."]) -> Float[Tensor, "... D"]:
        """The vectors of ids."""
        table, projection = self.band(0)
        vectors: Tensor = projection(table(ids.clamp(max=table.num_embeddings - 1)))
        for band, (begin, _) in enumerate(self.bands[1:], 1):
            table, projection = self.band(band)
            place = ids - begin
            inside = (place >= 0) & (place < table.num_embeddings)
            vectors = vectors.masked_scatter(inside[..., None], projection(table(place[inside])).to(vectors.dtype))
        return vectors

    def band(self, number: int) -> tuple[nn.Embedding, nn.Linear]:
        """The table of a band, and its projection."""
        return cast(nn.Embedding, self.tables[number]), cast(nn.Linear, self.projections[number])


@final
class AdaptiveOutput(nn.Module):
    """What the head adds to the tables that it shares: a vector for each cluster of rarer words."""

    def __init__(self, config: AdaptiveLlamaConfig) -> None:
        super().__init__()
        self.clusters = nn.Linear(config.hidden_size, len(config.bands()) - 1, bias=False)

    def mass(self, hidden_ND: Float[Tensor, "N D"], target_N: Int64[Tensor, "N"], embedding: AdaptiveEmbedding) -> Mass:
        """What the head weighs, and each target; no matrix over a whole band is built."""
        last_N = target_N.clamp(max=embedding.bands[0][1] - 1)
        partition_N, gold_N = head_mass(*_band(hidden_ND, embedding, 0), last_N)
        if len(embedding.bands) == 1:
            return partition_N, gold_N
        cluster_NC = self.clusters(hidden_ND).float()
        partition_N = torch.logaddexp(partition_N, torch.logsumexp(cluster_NC, -1))
        for band, (begin, end) in enumerate(embedding.bands[1:], 1):
            (inside,) = torch.nonzero((target_N >= begin) & (target_N < end), as_tuple=True)
            all_n, right_n = head_mass(*_band(hidden_ND[inside], embedding, band), target_N[inside] - begin)
            gold_N = gold_N.index_copy(0, inside, cluster_NC[inside, band - 1] + right_n - all_n)
        return partition_N, gold_N

    def logits(self, hidden: Float[Tensor, "... D"], embedding: AdaptiveEmbedding) -> Float[Tensor, "... V"]:
        """The logarithm of what each word weighs; the start symbol weighs nothing. Their sum is that of the head."""
        flat_ND = hidden.flatten(0, -2)
        parts = [functional.linear(*_band(flat_ND, embedding, 0)).float()]
        cluster_NC = self.clusters(flat_ND).float()
        for band in range(1, len(embedding.bands)):
            tail_NV = functional.linear(*_band(flat_ND, embedding, band)).float()
            parts.append(torch.log_softmax(tail_NV, -1) + cluster_NC[:, band - 1, None])
        parts.append(parts[0].new_full((len(flat_ND), 1), -torch.inf))
        return torch.cat(parts, -1).reshape(*hidden.shape[:-1], -1)


class AdaptiveLlamaForCausalLM(LlamaPreTrainedModel, GenerationMixin):  # type: ignore[no-untyped-call]
    """A causal Llama with adaptive input and output; its logits are logarithms of what each word weighs."""

    config_class = AdaptiveLlamaConfig

    def __init__(self, config: AdaptiveLlamaConfig) -> None:
        super().__init__(config)
        small = deepcopy(config)
        small.vocab_size, small.cutoffs = 2, None  # A whole table, which the bands replace, would be a gigabyte.
        self.model = LlamaModel(small)
        embedding = AdaptiveEmbedding(config)
        self.model.embed_tokens = embedding
        self.lm_head = AdaptiveOutput(config)
        self.post_init()  # type: ignore[no-untyped-call]
        # Vectors of all bands begin equally long, whatever their width.
        for table, projection in map(embedding.band, range(len(embedding.bands))):
            nn.init.normal_(table.weight, std=table.embedding_dim**-0.5)
            nn.init.normal_(projection.weight, std=config.initializer_range)

    def mass(self, hidden_ND: Float[Tensor, "N D"], target_N: Int64[Tensor, "N"]) -> Mass:
        """What the vocabulary and each target weigh, given what the last norm says; targets are words."""
        mass: Mass = self.lm_head.mass(hidden_ND, target_N, cast(AdaptiveEmbedding, self.model.embed_tokens))
        return mass

    def forward(
        self, input_ids: Tensor | None = None, labels: Tensor | None = None, logits_to_keep: int | Tensor = 0, **arguments: Any
    ) -> CausalLMOutputWithPast:
        """As `LlamaForCausalLM`'s."""
        outputs = self.model(input_ids=input_ids, **arguments)
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = self.lm_head.logits(outputs.last_hidden_state[:, kept], cast(AdaptiveEmbedding, self.model.embed_tokens))
        loss = None
        if labels is not None:
            loss = self.loss_function(logits=logits, labels=labels, vocab_size=self.config.vocab_size)
        return CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )

    def get_output_embeddings(self) -> None:
        """None: the output is no single matrix."""


def _band(hidden_ND: Tensor, embedding: AdaptiveEmbedding, band: int) -> tuple[Tensor, Tensor]:
    """What a band's rows are compared with, and the rows of its words."""
    begin, end = embedding.bands[band]
    table, projection = embedding.band(band)
    return functional.linear(hidden_ND, projection.weight.T), table.weight[: end - begin]


AutoConfig.register(AdaptiveLlamaConfig.model_type, AdaptiveLlamaConfig)
AutoModelForCausalLM.register(AdaptiveLlamaConfig, AdaptiveLlamaForCausalLM)
