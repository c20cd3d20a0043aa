"""Models survive a folder, and folders that could run code are refused."""

from pathlib import Path

import pytest
import torch

from laconic.errors import CorruptFileError, UsageError
from laconic.model.folder import load_model, save_model
from laconic.model.sizes import build_model


def test_round_trip_is_exact_and_pickle_free(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = build_model("tiny", vocab_size=32, context=8, seed=3)
    save_model(build_model("tiny", vocab_size=32, context=8, seed=4), tmp_path / "m")
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert not [path for path in (tmp_path / "m").iterdir() if path.suffix not in (".json", ".safetensors")]
    for one, two in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


def test_missing_damaged_and_pickled_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no config\.json"):
        load_model(tmp_path)
    save_model(build_model("tiny", vocab_size=32, context=8, seed=3), tmp_path / "m")
    weights = tmp_path / "m" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(CorruptFileError, match="cannot be read"):
        load_model(tmp_path / "m")
    weights.rename(weights.with_name("pytorch_model.bin"))
    with pytest.raises(CorruptFileError, match="pickled weights are not read"):
        load_model(tmp_path / "m")
