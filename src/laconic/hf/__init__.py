"""laconic's models in Hugging Face's hands: once this is imported, `AutoModel` and its kin and `pipeline` open their folders.

`import laconic.hf` makes the types of cut models (`laconic.model.cut`) and of models with a banded vocabulary
(`laconic.model.adaptive`) known to transformers. No code found in a folder is run for it.
"""

from pathlib import Path

from transformers import PreTrainedModel

from laconic.model import cut, folder

cut.register()


def load(path: Path | str) -> PreTrainedModel:
    """Read a model from a folder, as the class that its config names: a classifier as a classifier.

    Only safetensors are read, and Python code in the folder is never run.

    Args:
        path: a folder that laconic or `save_pretrained` wrote.

    Raises:
        UsageError: the folder holds no model.
        CorruptFileError: its files are damaged, or of a kind this cannot read.
    """
    return folder.load_any(Path(path))
