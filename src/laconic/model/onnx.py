"""Models as ONNX files, which run without PyTorch: written, compared with what they came from, and made smaller.

PyTorch's older exporter is used, which follows one forward pass: it needs no further package, and takes tenths of a second.
"""

import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.utils.generic import ModelOutput

from laconic.errors import CorruptFileError, UsageError, missing_extra
from laconic.model.probe import PER_TOKEN, answers, at_rest, input_names, random_inputs
from laconic.records.files import open_atomic

VOCAB_SIZE = "laconic.vocab_size"
"""The entry of a file's metadata that says how many token ids it knows."""

LARGEST = 2**31 - 2**24
"""Bytes of weights that one ONNX file can hold beside its graph."""


@final
class _InOrder(nn.Module):
    """A model whose inputs and answers have an order instead of names, as the exporter wants them."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model, self.names = model, input_names(model)
        # The exporter hands the mode of what it was given down to all modules when it is done.
        self.training = model.training

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(answers(self.model, dict(zip(self.names, inputs, strict=True))).values())


def export_onnx(model: PreTrainedModel, path: Path | str, *, opset: int = 17, length: int = 16) -> None:
    """Write a model as one ONNX file in which batch and sequence may have any length.

    Its inputs are those of `laconic.model.probe.input_names`, its outputs those of `laconic.model.probe.answers`. Heads
    and units may differ between layers, or be missing.

    Args:
        model: an encoder or a decoder, bare or with a head; left as it is.
        path: of the file, which appears whole or not at all.
        opset: version of the ONNX operators, 17 or later.
        length: tokens of the example that is followed; no more than the model can read, and at least 2.

    Raises:
        MissingExtraError: onnx is not installed.
        UsageError: the weights are too large for one file.
        OutputError: the file cannot be written.
    """
    if length < 2:
        raise ValueError(f"length is {length}, but must be at least 2: a single token looks like a decoder's next step")
    try:
        import onnx
    except ImportError as error:
        raise missing_extra("onnx", "onnx", "writing an ONNX file") from error
    size = sum(parameter.nbytes for parameter in model.parameters())
    if size > LARGEST:
        raise UsageError(f"the weights take {size:,} bytes, but an ONNX file holds at most {LARGEST:,}: make the model smaller")
    names = input_names(model)
    example = random_inputs(names, model.config.vocab_size, batch=2, length=length, seed=0, pad_id=_pad_id(model))
    inputs = {name: value.to(model.device) for name, value in example.items()}
    buffer = io.BytesIO()
    with at_rest(model), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # What it warns of are checks of shapes, and its age.
        said = answers(model, inputs)
        torch.onnx.export(
            _InOrder(model),
            tuple(inputs.values()),
            buffer,  # type: ignore[arg-type]  # The older exporter takes a stream.
            dynamo=False,
            opset_version=opset,
            input_names=list(names),
            output_names=list(said),
            dynamic_axes={
                **{name: {0: "batch", 1: "sequence"} for name in names},
                **{name: _axes(name, value) for name, value in said.items()},
            },
        )
    written = onnx.load_model_from_string(buffer.getvalue())
    onnx.helper.set_model_props(written, {VOCAB_SIZE: str(model.config.vocab_size)})
    # Without any attention nothing reads the mask; whoever runs the file should not have to know.
    present = {item.name for item in written.graph.input}
    for name in (name for name in names if name not in present):
        item = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, ["batch", "sequence"])
        written.graph.input.append(item)
    with open_atomic(path) as stream:
        stream.write(written.SerializeToString())


def verify_onnx(model: PreTrainedModel, path: Path | str, *, batch: int = 4, length: int = 32, seed: int = 0) -> float:
    """How far an ONNX file's answers lie from its model's, on random inputs of which all rows but the first are padded.

    Args:
        model: that the file was written from.
        path: of the file.
        batch: rows.
        length: tokens in a row.
        seed: of the inputs.

    Returns:
        The largest difference of any answer, as a share of the largest answer where that is above 1; what is said about
        padding does not count.

    Raises:
        MissingExtraError: onnxruntime is not installed.
        UsageError: there is no such file.
        CorruptFileError: it is no ONNX file.
    """
    session = open_session(path)
    inputs = random_inputs(
        input_names(model), model.config.vocab_size, batch=batch, length=length, seed=seed, pad_id=_pad_id(model)
    )
    with at_rest(model):
        said = answers(model, {name: value.to(model.device) for name, value in inputs.items()})
    found = session.run(list(said), {name: value.numpy() for name, value in inputs.items()})
    real_BT = inputs["attention_mask"].bool()
    worst = torch.zeros(())
    for (name, value), other in zip(said.items(), found, strict=True):
        text = real_BT if 1 in _axes(name, value) else slice(None)
        value, other = value.float().cpu()[text], torch.from_numpy(other)[text]
        worst = torch.maximum(worst, (value - other).abs().max() / value.abs().max().clamp(min=1.0))
    return float(worst)


def quantize_onnx(path: Path | str, out: Path | str) -> None:
    """Write an ONNX file again with weights and embeddings of 8 bits; activations are rounded as they come.

    Hazard: answers change, and how much depends on the model; measure the task again. Weights share a scale by output
    unit, embeddings by table. Rounding is to 7 bits of 8, without which products overflow on processors without VNNI.

    Args:
        path: a file of `export_onnx`.
        out: the new file, which appears whole or not at all.

    Raises:
        MissingExtraError: onnx or onnxruntime is not installed.
        UsageError: there is no such file.
        CorruptFileError: it is no ONNX file.
        OutputError: the file cannot be written.
    """
    open_session(path)
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise missing_extra("onnx", "onnx", "making an ONNX file smaller") from error
    with tempfile.TemporaryDirectory() as folder, _without_advice():
        small = Path(folder) / "small.onnx"
        quantize_dynamic(
            path,
            small,
            op_types_to_quantize=["MatMul", "Gemm", "Gather"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
        with open_atomic(out) as stream:
            stream.write(small.read_bytes())


@contextmanager
def _without_advice() -> Iterator[None]:
    """ONNX Runtime advises, through the logger of everybody, steps that change nothing here."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def open_session(path: Path | str, *, threads: int | None = None) -> Any:
    """An ONNX Runtime session on the processor.

    Args:
        path: of an ONNX file.
        threads: that compute; ONNX Runtime's choice if None. They rest between runs.

    Raises:
        MissingExtraError: onnxruntime is not installed.
        UsageError: there is no such file.
        CorruptFileError: it is no ONNX file.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise missing_extra("onnxruntime", "onnx", "running an ONNX file") from error
    if not Path(path).is_file():
        raise UsageError(f"{path} is no file: name an ONNX file, such as export_onnx writes")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.force_spinning_stop", "1")
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CorruptFileError(f"{path} cannot be read as ONNX ({reason}): export the model again") from error


@final
class OnnxModel(nn.Module):
    """An ONNX file in the place of the model it was written from: called alike, it answers alike, on the processor.

    Args:
        path: a file of `export_onnx` or `quantize_onnx`.
        threads: that compute; ONNX Runtime's choice if None.

    Raises:
        MissingExtraError: onnxruntime is not installed.
        UsageError: there is no such file.
        CorruptFileError: it is no ONNX file.
    """

    def __init__(self, path: Path | str, *, threads: int | None = None) -> None:
        super().__init__()
        self._session = open_session(path, threads=threads)
        self._names = [item.name for item in self._session.get_inputs()]
        self._answers = [item.name for item in self._session.get_outputs()]
        # Whoever asks a model where its parameters are, to bring inputs there, gets an answer.
        self.nowhere = nn.Parameter(torch.empty(0), requires_grad=False)

    def forward(self, **inputs: Tensor) -> ModelOutput:
        """What the file says of inputs by their names; without a mask all is text, without segments all is the first one."""
        ids = inputs["input_ids"]
        usual = {"attention_mask": torch.ones_like(ids)}
        arrays = {name: inputs.get(name, usual.get(name, torch.zeros_like(ids))).cpu().numpy() for name in self._names}
        found = self._session.run(self._answers, arrays)
        named = {name: torch.from_numpy(value) for name, value in zip(self._answers, found, strict=True)}
        return ModelOutput(named)  # type: ignore[no-untyped-call]


def _axes(name: str, answer: Tensor) -> dict[int, str]:
    return {0: "batch", 1: "sequence"} if name in PER_TOKEN or answer.ndim == 3 else {0: "batch"}


def _pad_id(model: PreTrainedModel) -> int:
    pad_id = model.config.pad_token_id
    return 0 if pad_id is None else int(pad_id)
