"""Opens folders of cut models as a machine without laconic would, by the code they carry: run as a process by test_cut_folder.

Arguments: the folder of folders. For each, the auto class named in its `auto_map` opens it; outputs are written beside it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file

sys.modules["laconic"] = None  # type: ignore[assignment]


def main(root: Path) -> None:
    """Open every folder and say what it says."""
    ids = load_file(root / "ids.safetensors")["ids"]
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        names = json.loads((folder / "config.json").read_text())["auto_map"]
        auto = [name for name in names if name != "AutoConfig"][-1]
        model: Any = getattr(transformers, auto).from_pretrained(folder, trust_remote_code=True)
        assert type(model).__module__.startswith("transformers_modules."), type(model)
        with torch.no_grad():
            outputs = {"0": model(ids)[0].contiguous()}
            if auto == "AutoModelForCausalLM":
                outputs["words"] = model.generate(ids, max_new_tokens=5, do_sample=False, pad_token_id=0)
        save_file(outputs, root / f"{folder.name}.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
