from dataclasses import replace

import numpy as np
import pytest
from tests.bytelm.random_transformers import random_file

from laconic.bytelm.files import ModelFile
from laconic.bytelm.transformer_weights import AttentionWeights, FeedForwardWeights, TransformerShape, read_transformer
from laconic.errors import CorruptFileError

FITTING = {"layers": 2, "width": 24, "heads": 3, "head": 8, "ffn": 20, "band": 12, "residual_bits": 12, "epsilon": 1e-6}


def altered(name: str, change) -> ModelFile:
    file = random_file()
    tensor = file.tensors[name].copy()
    tensor.flat[0] = change
    return replace(file, tensors=file.tensors | {name: tensor})


def test_a_file_that_fits_is_read() -> None:
    weights = read_transformer(random_file())
    assert weights.shape == TransformerShape.alike(**FITTING)
    assert weights.prior is None
    assert len(weights.parts) == 4
    assert weights.parts[2].project_in.weight.shape == (40, 24)
    assert weights.parts[0].key_scale != weights.parts[0].value_scale


def test_a_file_of_a_cut_model_is_read() -> None:
    weights = read_transformer(random_file(blocks=[(0, 20), (1, 0), (0, 0), (3, 7)]))
    assert [type(part) for part in weights.parts] == [
        FeedForwardWeights,
        AttentionWeights,
        AttentionWeights,
        FeedForwardWeights,
    ]
    assert [part.project_in.weight.shape[0] for part in weights.parts] == [40, 24, 40, 14]
    assert weights.shape.attentions == 2


@pytest.mark.parametrize(
    "blocks",
    [
        None,
        [],
        "ab",
        [{"heads": 1, "ffn": 7}] * 65,
        [{"heads": 1}],
        [{"heads": -1, "ffn": 7}],
        [{"heads": True, "ffn": 7}],
        [{"heads": 1.0, "ffn": 7}],
        [{"heads": 0, "ffn": 2065}],
        [{"heads": 65, "ffn": 0}],
        [{"heads": 1, "ffn": 7, "width": 3}],
        [[1, 7]],
    ],
)
def test_blocks_that_cannot_be_are_refused(blocks: object) -> None:
    file = random_file(blocks=[(1, 7)])
    with pytest.raises(CorruptFileError, match="config that does not fit"):
        read_transformer(replace(file, config=file.config | {"blocks": blocks}))


def test_a_file_says_what_there_is_in_one_way() -> None:
    for file, kind in ((random_file(), "cut-transformer"), (random_file(blocks=[(3, 20)]), "transformer")):
        with pytest.raises(CorruptFileError, match="config that does not fit"):
            read_transformer(replace(file, kind=kind))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("layers", 0),
        ("layers", 65),
        ("width", 2049),
        ("head", 7),
        ("band", 4096),
        ("ffn", 2065),
        ("heads", True),
        ("residual_bits", 21),
        ("epsilon", 0.0),
        ("epsilon", 1e-12),
        ("epsilon", 1),
    ],
)
def test_sizes_out_of_range_are_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        TransformerShape.alike(**(FITTING | {field: value}))
    file = random_file()
    with pytest.raises(CorruptFileError, match="config that does not fit"):
        read_transformer(replace(file, config=file.config | {field: value}))


def test_too_many_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="too many for exact sums"):
        TransformerShape.alike(**(FITTING | {"heads": 64, "head": 34}))


def test_sums_of_squares_stay_in_64_bits() -> None:
    TransformerShape.alike(**(FITTING | {"width": 2048, "layers": 5}))
    with pytest.raises(ValueError, match="too many for sums of squares"):
        TransformerShape.alike(**(FITTING | {"width": 2048, "layers": 6}))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("layers.0.attention_in.weight", 65, "go beyond 64"),
        ("output.weight", -65, "go beyond 64"),
        ("layers.1.ffn_out.scale", np.nan, "not those of a trained model"),
        ("layers.1.ffn_out.scale", np.inf, "not those of a trained model"),
        ("layers.1.ffn_out.scale", 2e6, "not those of a trained model"),
        ("norm", 1e-30, "not those of a trained model"),
        ("layers.0.cache_scale", 0.0, "not those of a trained model"),
        ("rotary", 20000, "sines above 1"),
    ],
)
def test_numbers_out_of_range_are_refused(name: str, value: float, message: str) -> None:
    with pytest.raises(CorruptFileError, match=message):
        read_transformer(altered(name, value))


def test_a_scale_may_be_zero() -> None:
    assert read_transformer(altered("layers.0.ffn_in.scale", 0.0)).parts[1].project_in.scale[0] == 0


@pytest.mark.parametrize("name", ["embedding", "rotary", "norm", "output.weight", "layers.1.attention_out.scale"])
def test_a_tensor_that_is_missing_or_of_another_shape_is_refused(name: str) -> None:
    file = random_file()
    without = {key: tensor for key, tensor in file.tensors.items() if key != name}
    for tensors in (
        without,
        without | {name: file.tensors[name][:-1]},
        without | {name: file.tensors[name].astype(np.float64)},
    ):
        with pytest.raises(CorruptFileError, match="needs the tensor"):
            read_transformer(replace(file, tensors=tensors))


def test_the_prior_is_named_by_its_fingerprint() -> None:
    file = random_file()
    assert read_transformer(replace(file, config=file.config | {"prior": "00000000000000ff"})).prior == 255
    with pytest.raises(CorruptFileError, match="no fingerprint"):
        read_transformer(replace(file, config=file.config | {"prior": "ff"}))
