import dataclasses
import json
from pathlib import Path

import pytest
import torch
from tests.tiny_encoder import tiny_encoder, tiny_table, tiny_tokenizer

from laconic.errors import TrainingError
from laconic.model.folder import load_with_head
from laconic.pruning.gates import Gates
from laconic.pruning.objective import Cofi, ConstraintConfig, DistillConfig
from laconic.pruning.parts import count_parts
from laconic.pruning.student import Student
from laconic.recipes.prune_config import StageConfig
from laconic.recipes.prune_stages import DONE, Judged, Setting, Stage, run_stage, structure_words
from laconic.recipes.task_data import Tables, table_data

LABELS = DistillConfig(prediction=0.0, layers=0.0, label=1.0)


def setting(tmp_path: Path, told: list[str] | None = None) -> Setting:
    table = Tables(train=tiny_table(tmp_path / "train.csv"), valid=None, text_columns=("text",), label="label")
    data = table_data(table, tiny_tokenizer(), max_length=16)
    tell = None if told is None else lambda done, total, words: told.append(words)
    return Setting(
        data=data, out=tmp_path / "run", evaluations=3, precision="fp32", seed=0, device=torch.device("cpu"), tell=tell
    )


def stage(tmp_path: Path, common: Setting, *, gates: bool = False, epochs: float = 2.0) -> Stage:
    model = load_with_head(tiny_encoder(tmp_path / "encoder"), labels=common.data.labels)
    student = Student(model, gates=Gates(count_parts(model), units_at=2.0) if gates else None)
    constraint = ConstraintConfig(sparsity=0.5, warmup=60, rate=0.4) if gates else None
    objective = Cofi(common.data.kind, distill=LABELS, constraint=constraint)
    config = StageConfig(epochs=epochs, rate=3e-3, batch=27)
    return Stage(name="one", config=config, student=student, objective=objective, sparsity=0.5 if gates else None)


def test_a_stage_learns_and_is_not_done_twice(tmp_path: Path) -> None:
    told: list[str] = []
    common = setting(tmp_path, told)
    first = stage(tmp_path, common, epochs=20.0)
    done = run_stage(common, first)
    assert done["steps"] == 80 and done["scores"] == {"accuracy": 1.0}
    assert told[-1].startswith("one, step 80/80, loss ") and "score 1.0000" in told[-1]
    again = stage(tmp_path, common, epochs=20.0)
    assert run_stage(common, again) == done and len(told) == 80
    for one, other in zip(first.student.parameters(), again.student.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_stage_whose_note_was_deleted_is_done_again(tmp_path: Path) -> None:
    common = dataclasses.replace(setting(tmp_path), evaluations=1)  # The last weights are the best.
    first, again = stage(tmp_path, common), stage(tmp_path, common)
    done = run_stage(common, first)
    (common.out / "one" / DONE).unlink()
    assert run_stage(common, again)["scores"] == done["scores"]
    for one, other in zip(first.student.parameters(), again.student.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_stage_of_no_epochs_is_left_out(tmp_path: Path) -> None:
    common = setting(tmp_path)
    assert run_stage(common, stage(tmp_path, common, epochs=0.0)) == {"steps": 0, "seconds": 0.0}
    assert not (common.out / "one").exists()


def test_a_student_with_gates_is_judged_at_the_sparsity_that_is_wanted(tmp_path: Path) -> None:
    told: list[str] = []
    common = setting(tmp_path, told)
    gated = stage(tmp_path, common, gates=True, epochs=40.0)
    run_stage(common, gated)
    assert " if cut to 50.0%, " in told[-1] and "gone now: " in told[-1]
    masks = gated.student.wear_fixed(0.5)
    assert masks is not None and gated.student.masking is not None
    assert gated.student.gates is not None
    assert float(gated.student.gates.expected_sparsity().detach()) == pytest.approx(0.5, abs=0.1)
    assert 0.5 <= masks.structure().sparsity(gated.student.masking.parts) < 0.53
    assert structure_words(masks.structure()).count("|") == 2


def test_an_interrupted_stage_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole = stage(tmp_path, setting(tmp_path), gates=True)
    run_stage(setting(tmp_path), whole)
    other = tmp_path / "other"
    other.mkdir()
    common = setting(other)
    cut_short = Setting(**{**vars(common), "tell": _stop_at(5)})
    with pytest.raises(TrainingError, match="stopped on request at step 6 of 8"):
        run_stage(cut_short, stage(tmp_path, common, gates=True))
    assert not (common.out / "one" / DONE).exists()
    resumed = stage(tmp_path, common, gates=True)
    run_stage(common, resumed)
    for one, same in zip(whole.student.parameters(), resumed.student.parameters(), strict=True):
        assert torch.equal(one, same)
    plain = [json.loads((path / "run" / "one" / DONE).read_text()) for path in (tmp_path, other)]
    assert plain[0]["scores"] == plain[1]["scores"] == common.scores(resumed.student.model)


@pytest.mark.parametrize("gates", [False, True])
def test_what_was_seen_of_the_best_is_not_judged_again(gates: bool, tmp_path: Path) -> None:
    common, judged = setting(tmp_path), list[dict[str, float]]()

    def judge(model: torch.nn.Module) -> dict[str, float]:
        judged.append(common.data.judge(model))
        return judged[-1]

    watched = dataclasses.replace(common, data=dataclasses.replace(common.data, judge=judge), evaluations=2)
    one = stage(tmp_path, common, gates=gates, epochs=4.0)
    done = run_stage(watched, one)
    assert len(judged) == 2 and done["scores"] in judged and done["scores"] == common.scores(one.student.model)


def test_a_resumed_stage_has_the_scores_of_its_best_weights_where_others_are_as_good(tmp_path: Path) -> None:
    def judge(model: torch.nn.Module) -> dict[str, float]:
        return {"accuracy": 0.8, "weights": float(sum(p.detach().abs().sum() for p in model.parameters()))}

    found = []
    for name, stop in (("whole", None), ("broken", 4)):
        (tmp_path / name).mkdir()
        common = setting(tmp_path / name)
        common = dataclasses.replace(common, data=dataclasses.replace(common.data, judge=judge))
        if stop:
            with pytest.raises(TrainingError):
                run_stage(dataclasses.replace(common, tell=_stop_at(stop)), stage(tmp_path, common))
        found.append(run_stage(common, stage(tmp_path, common))["scores"])
    assert found[0] == found[1]


def _stop_at(step: int):  # type: ignore[no-untyped-def]
    import signal

    def tell(done: int, total: int | None, words: str) -> None:
        if f"step {step}/" in words:
            signal.raise_signal(signal.SIGINT)

    return tell


def test_every_student_that_was_judged_is_shown(tmp_path: Path) -> None:
    shown: list[Judged] = []
    common = dataclasses.replace(setting(tmp_path), show=shown.append)
    gated = stage(tmp_path, common, gates=True, epochs=3.0)
    run_stage(common, gated)
    assert [(seen.stage, seen.step, seen.steps) for seen in shown] == [("one", step, 12) for step in (4, 8, 12)]
    assert [seen.target for seen in shown] == [pytest.approx(0.5 * step / 60) for step in (4, 8, 12)]
    assert gated.student.masking is not None
    for seen in shown:
        assert seen.standing is not None and seen.model is gated.student.model
        assert seen.standing.sparsity == seen.standing.structure.sparsity(gated.student.masking.parts)
    # What is shown is where the gates stand, not what they will come to: at first, hardly anything is gone.
    assert shown[0].standing is not None and shown[0].standing.sparsity < 0.4
    plain = stage(tmp_path, common)
    shown.clear()
    run_stage(common, dataclasses.replace(plain, name="two"))
    assert shown and all(seen.standing is seen.target is None for seen in shown)
