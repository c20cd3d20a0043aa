"""What a model computes: FLOPs per byte of text, the paper's way and in full.

A multiplication with an addition counts as two FLOPs. The paper's way (Lester et al. 2024, section 3.8) counts two per
parameter outside the embeddings and token, divided by bytes per token, plus the byte model where the tokenizer runs one.
It leaves out attention over the context and the softmax matrix, which at small sizes is most of the work: with 65,536
types and a width of 512 that matrix alone is larger than the whole "25m" model. The full way counts both.
"""

from dataclasses import asdict, dataclass

from transformers import PreTrainedModel

from laconic.model.anatomy import dissect
from laconic.model.sizes import count_parameters

PAPER_BYTE_MODEL = 6e6
"""FLOPs per byte of the paper's byte model M1: two for each of its 3 million parameters."""


@dataclass(frozen=True, kw_only=True)
class Flops:
    """What it takes to read one byte of text.

    Attributes:
        paper: the paper's way.
        full: with attention over the context, the softmax matrix and the byte model.
        attention: the part of `full` that is attention over the context.
        softmax: the part of `full` that is the softmax matrix.
        byte_model: the part of both that is the tokenizer's byte model; 0 for one that looks up counts, such as an
            n-gram model, which multiplies no matrices.
    """

    paper: float
    full: float
    attention: float
    softmax: float
    byte_model: float

    def to_dict(self) -> dict[str, float]:
        """The same as plain data for a record."""
        return asdict(self)


def paper_flops_per_byte(parameters: float, bytes_per_token: float, *, byte_model: float = 0.0) -> float:
    """FLOPs per byte the paper's way.

    Args:
        parameters: of the model, without embeddings.
        bytes_per_token: text in a token.
        byte_model: FLOPs per byte of a neural byte model inside the tokenizer, else 0.

    Examples:
        >>> round(paper_flops_per_byte(2e9, 5.31, byte_model=PAPER_BYTE_MODEL) / 1e6, 1)
        759.3
    """
    return 2 * parameters / bytes_per_token + byte_model


def softmax_flops_per_byte(vocab_size: int, width: int, bytes_per_token: float) -> float:
    """FLOPs per byte of the output matrix.

    Examples:
        >>> round(softmax_flops_per_byte(65_536, 512, 5.31) / 1e6, 1)
        12.6
    """
    return 2 * vocab_size * width / bytes_per_token


def attention_flops_per_token(*, layers: int, width: int, context: int) -> float:
    """FLOPs per token of queries times keys and of weights times values, at the mean length of a causal context.

    Args:
        layers: L.
        width: heads times the size of a head.
        context: tokens in a segment: a token sees `(context + 1) / 2` of them on average.
    """
    return 2 * 2 * layers * width * (context + 1) / 2


def flops_per_byte(
    model: PreTrainedModel, *, vocab_size: int, bytes_per_token: float, context: int, byte_model: float = 0.0
) -> Flops:
    """FLOPs per byte of a model, both ways.

    Args:
        model: any that `laconic.model.anatomy` knows.
        vocab_size: ids that carry text.
        bytes_per_token: text in a token.
        context: tokens in a segment.
        byte_model: FLOPs per byte of a neural byte model inside the tokenizer, else 0.
    """
    anatomy, count = dissect(model), count_parameters(model)
    paper = paper_flops_per_byte(count.body, bytes_per_token, byte_model=byte_model)
    heads = sum(map(anatomy.heads_of, range(len(anatomy.layers))))
    attention = attention_flops_per_token(layers=1, width=heads * anatomy.head_size, context=context) / bytes_per_token
    softmax = softmax_flops_per_byte(vocab_size, anatomy.width, bytes_per_token)
    return Flops(paper=paper, full=paper + attention + softmax, attention=attention, softmax=softmax, byte_model=byte_model)


def training_flops(model: PreTrainedModel, tokens: int) -> float:
    """FLOPs of training: six per parameter outside the embeddings and token, as scaling laws count them.

    Args:
        model: the model trained.
        tokens: tokens it was trained on.
    """
    return 6.0 * count_parameters(model).body * tokens
