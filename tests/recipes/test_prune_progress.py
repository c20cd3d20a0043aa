"""The page of a run follows it, also where it was interrupted, and tells of a cut model what its masks would."""

import json
from pathlib import Path
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pruning.tiny import HEADS, LAYERS, UNITS, tiny_model

from laconic.pruning.cutting import count_all, cut
from laconic.pruning.masks import Structure
from laconic.pruning.parts import count_parts
from laconic.recipes.prune_progress import MOMENTS, PAGE, ProgressPage, structure_of
from laconic.recipes.prune_stages import Judged, Standing

MODEL = tiny_model("bert")
PARTS = count_parts(MODEL)


def judged(stage: str, step: int, **changes: Any) -> Judged:
    fields: dict[str, Any] = {"steps": 9, "score": 0.5, "target": None, "standing": None, "model": MODEL}
    return Judged(stage=stage, step=step, **{**fields, **changes})


def steps(out: Path) -> list[tuple[str, int]]:
    return [(row["stage"], row["step"]) for row in json.loads((out / MOMENTS).read_text())]


def test_what_a_resumed_stage_does_again_is_noted_once(tmp_path: Path) -> None:
    page = ProgressPage(tmp_path, "sst2", PARTS)
    for stage, step in (("teacher", 4), ("teacher", 8), ("prune", 4), ("prune", 8)):
        page.show(judged(stage, step))
    again = ProgressPage(tmp_path, "sst2", PARTS)
    again.show(judged("prune", 4))
    assert steps(tmp_path) == [("teacher", 4), ("teacher", 8), ("prune", 4)]
    again.show(judged("prune", 6))
    assert steps(tmp_path)[-2:] == [("prune", 4), ("prune", 6)]


def test_the_page_shows_what_masks_left_and_reads_itself_until_the_end(tmp_path: Path) -> None:
    page, structure = ProgressPage(tmp_path, "sst2", PARTS), Structure.whole(PARTS)
    page.finish()
    assert not (tmp_path / PAGE).exists()
    structure.head_LH[0], structure.unit_LU[2, 5:] = False, False
    standing = Standing(structure=structure, sparsity=structure.sparsity(PARTS), expected=0.3)
    page.show(judged("prune", 4, standing=standing, target=0.4))
    shown = (tmp_path / PAGE).read_text()
    assert "0|12, 4|12, 4|5" in shown and "Pruning for sst2" in shown and 'http-equiv="refresh"' in shown
    row = json.loads((tmp_path / MOMENTS).read_text())[0]
    assert row["sparsity"] == structure.sparsity(PARTS) and (row["target"], row["expected"]) == (0.4, 0.3)
    page.finish()
    assert 'http-equiv="refresh"' not in (tmp_path / PAGE).read_text()


def test_numbers_that_cannot_be_read_are_begun_anew(tmp_path: Path) -> None:
    (tmp_path / MOMENTS).write_text('[{"stage": 3}]')
    ProgressPage(tmp_path, "sst2", PARTS).show(judged("prune", 4))
    assert steps(tmp_path) == [("prune", 4)]


@settings(max_examples=20)
@given(
    heads=st.lists(st.lists(st.booleans(), min_size=HEADS, max_size=HEADS), min_size=LAYERS, max_size=LAYERS),
    units=st.lists(st.lists(st.booleans(), min_size=UNITS, max_size=UNITS), min_size=LAYERS, max_size=LAYERS),
)
def test_a_cut_model_has_as_much_as_the_masks_left(heads: list[list[bool]], units: list[list[bool]]) -> None:
    structure = Structure(head_LH=torch.tensor(heads), unit_LU=torch.tensor(units))
    smaller = cut(MODEL, structure.masks())
    found = structure_of(smaller, PARTS)
    assert found.counts() == structure.counts()
    assert found.size(PARTS) == structure.size(PARTS) == count_all(smaller)["pruned"]
    assert structure_of(MODEL, PARTS).sparsity(PARTS) == 0
