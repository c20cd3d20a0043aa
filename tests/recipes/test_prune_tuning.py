from pathlib import Path

from tests.recipes.test_prune import config
from tests.tiny_encoder import tiny_encoder

from laconic.model.folder import load_with_head
from laconic.recipes.prune_tuning import freeze_embeddings


def test_embeddings_and_the_norm_behind_them_are_frozen_where_wanted(tmp_path: Path) -> None:
    model = load_with_head(tiny_encoder(tmp_path / "encoder"), labels=("bad", "good"))
    freeze_embeddings(config(tmp_path, freeze_embeddings=False), model)
    assert all(parameter.requires_grad for parameter in model.parameters())
    freeze_embeddings(config(tmp_path), model)
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert frozen == {name for name, _ in model.named_parameters() if ".embeddings." in name}
