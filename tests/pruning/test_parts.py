import pytest
from tests.pruning.tiny import CONFIGS, HEADS, LAYERS, UNITS, random_masks, tiny_model
from transformers import BertConfig, BertModel, GPTNeoXConfig, GPTNeoXModel

from laconic.errors import UsageError
from laconic.model.anatomy import dissect
from laconic.pruning.cutting import cut
from laconic.pruning.parts import count_parts


@pytest.mark.parametrize("family", CONFIGS)
def test_the_total_is_what_attention_and_feed_forward_parts_carry(family: str) -> None:
    model = tiny_model(family)
    counted = sum(
        parameter.numel()
        for name, parameters in dissect(model).units()
        if name.endswith((".attention", ".ffn"))
        for parameter in parameters
    )
    parts = count_parts(model)
    assert parts.total == counted
    assert (parts.layers, parts.units, parts.heads * parts.queries) == (LAYERS, UNITS, HEADS)


def test_bert_base_has_85_million_parameters_to_prune() -> None:
    # Two layers are enough to know twelve; the numbers are those of CoFi's release.
    parts = count_parts(BertModel(BertConfig(vocab_size=8, num_hidden_layers=2)))
    assert 6 * parts.total == 85_017_600
    assert parts.head.at(768) == 4 * 64 * 768 + 3 * 64 and parts.unit.at(768) == 2 * 768 + 1


def test_heads_that_share_keys_are_pruned_as_groups_and_all_that_share_one_key_alone() -> None:
    groups, one = count_parts(tiny_model("llama, groups")), count_parts(tiny_model("mistral, one key"))
    assert (groups.heads, groups.queries, groups.keys_shared) == (2, 2, False)
    assert (one.heads, one.queries, one.keys_shared) == (4, 1, True)


def test_fused_projections_by_head_are_refused() -> None:
    config = GPTNeoXConfig(vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    with pytest.raises(UsageError, match="fused head by head"):
        count_parts(GPTNeoXModel(config))


def test_a_model_that_was_cut_is_refused() -> None:
    model = tiny_model("bert")
    smaller = cut(model, random_masks(count_parts(model), 0))
    with pytest.raises(UsageError, match="has been cut already"):
        count_parts(smaller)


def test_layers_that_differ_are_refused() -> None:
    model = BertModel(CONFIGS["bert"])
    model.encoder.layer[1].intermediate.dense.weight.data = model.encoder.layer[1].intermediate.dense.weight.data[:5]
    with pytest.raises(UsageError, match="are not all alike"):
        count_parts(model)
