"""What a memory slot is found by: the input of the last layer's feed-forward part, behind its norm."""

from typing import Any, final

from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedModel

from laconic.model.anatomy import dissect


@final
class KeyTap:
    """Keeps what the feed-forward part of a model's last layer reads, each time the model is called.

    The same vector is the key of the present position and the query of the present prediction (Zhong, Lei and Chen 2022,
    section 3.1). It works through whatever the model is wrapped in, for it sits in the model itself, until it is closed.

    Args:
        model: of a family that `laconic.model.anatomy` knows.

    Raises:
        UsageError: the model is of another family.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        anatomy = dissect(model)
        self._width, self._kept = anatomy.width, list[Tensor]()
        self._hook = anatomy.layers[-1].ffn_norm.register_forward_hook(self._keep)

    def take(self, rows: int) -> Float[Tensor, "B T D"]:
        """The keys of the latest call, once: nothing is held on to."""
        (kept,) = self._kept
        self._kept.clear()
        return kept.reshape(rows, -1, self._width)

    def close(self) -> None:
        """Leave the model as it was."""
        self._hook.remove()

    def _keep(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        self._kept[:] = [output]
