import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from laconic.pruning import distillation, masking
from laconic.pruning.distillation import layer_distances, layer_loss, map_layers, prediction_loss, teacher_layers


def states(seed: int, layers: int, places: int = 6, width: int = 5) -> torch.Tensor:
    return torch.randn(layers, places, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("layers", "count", "places"), [(12, 4, (2, 5, 8, 11)), (6, 4, (1, 2, 3, 5)), (2, 4, (0, 1)), (6, 1, (5,))]
)
def test_teaching_layers_are_evenly_spaced_and_the_last_is_among_them(layers: int, count: int, places: tuple[int, ...]) -> None:
    assert teacher_layers(layers, count) == places


def test_predictions_of_the_teacher_cost_nothing_and_others_what_their_divergence_says() -> None:
    teacher, student = states(0, 3, 1, 4)[:, 0], states(1, 3, 1, 4)[:, 0]
    assert float(prediction_loss(teacher, teacher, temperature=2.0)) == pytest.approx(0, abs=1e-6)
    p, q = torch.softmax(teacher / 2, -1), torch.softmax(student / 2, -1)
    expected = 4 * (p * (p / q).log()).sum(-1).mean()
    torch.testing.assert_close(prediction_loss(student, teacher, temperature=2.0), expected)


@pytest.mark.parametrize("rows", [3, 4, 5, 9])
def test_predictions_in_pieces_cost_the_same_and_teach_the_same(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for at_once in (100, 4):
        monkeypatch.setattr(distillation, "ROWS_AT_ONCE", at_once)
        student = states(1, 1, rows, 6).requires_grad_()
        loss = prediction_loss(student, states(0, 1, rows, 6), temperature=2.0)
        loss.backward()
        found.append((loss.detach(), student.grad))
    torch.testing.assert_close(found[0], found[1])


@given(seed=st.integers(0, 100), text=st.lists(st.booleans(), min_size=6, max_size=6).filter(any))
def test_distances_are_means_over_text(seed: int, text: list[bool]) -> None:
    student, teacher, text_N = states(seed, 3), states(seed + 1, 2), torch.tensor(text)
    distance_KL = layer_distances(list(student), teacher, text_N.float())
    for k in range(2):
        for layer in range(3):
            plain = (teacher[k, text_N] - student[layer, text_N]).square().mean()
            torch.testing.assert_close(distance_KL[k, layer], plain, rtol=1e-4, atol=1e-5)
    chosen_K = torch.tensor([2, 0])
    expected = distance_KL[0, 2] + distance_KL[1, 0]
    torch.testing.assert_close(layer_loss(list(student), teacher, text_N.float(), chosen_K), expected, rtol=1e-4, atol=1e-5)


def test_distances_are_exact_where_products_are_in_half_precision() -> None:
    teacher = states(0, 2) + 300.0 * (torch.arange(5) == 3)
    student = torch.cat([teacher + 0.01 * states(1, 2), teacher + 0.1])
    exact = layer_distances(list(student), teacher, torch.ones(6))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(layer_distances(list(student), teacher, torch.ones(6)), exact)


def test_divergences_are_exact_where_products_are_in_half_precision() -> None:
    student, teacher = (3 * torch.randn(700, 5, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    exact = prediction_loss(student, teacher, temperature=2.0)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(prediction_loss(student, teacher, temperature=2.0), exact)


def monotone_by_hand(distance_KL: list[list[float]], alive_L: list[bool]) -> list[int]:
    places = [place for place, alive in enumerate(alive_L) if alive] or list(range(len(alive_L)))
    chosen: list[int] = []
    for row in reversed(distance_KL):
        left = [place for place in places if not chosen or place < chosen[-1]]
        chosen.append(min(left, key=lambda place: row[place]) if left else chosen[-1])
    return chosen[::-1]


@given(seed=st.integers(0, 1000), alive=st.lists(st.booleans(), min_size=6, max_size=6))
def test_monotone_layers_walk_down_over_what_lives(seed: int, alive: list[bool]) -> None:
    distance_KL = torch.rand(4, 6, generator=torch.Generator().manual_seed(seed))
    chosen = map_layers(distance_KL, torch.tensor(alive), "monotone").tolist()
    assert chosen == monotone_by_hand(distance_KL.tolist(), alive)
    assert chosen == sorted(chosen)
    if any(alive):
        assert all(alive[place] for place in chosen)


def test_free_layers_are_the_nearest_of_all() -> None:
    distance_KL = torch.tensor([[3.0, 1.0, 2.0], [0.5, 1.0, 0.1]])
    assert map_layers(distance_KL, torch.tensor([True, False, False]), "free").tolist() == [1, 2]


def test_only_the_layer_that_learns_has_a_gradient_the_same_on_all_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    found, text_N = [], torch.tensor([1.0, 1, 0, 1, 1, 0])
    for at_hand in (("cpu",), ()):
        monkeypatch.setattr(masking, "AT_HAND", at_hand)
        student = states(0, 3).requires_grad_()
        loss = layer_loss(list(student), states(1, 3), text_N, torch.tensor([2, 2, 0]))
        loss.backward()
        assert student.grad is not None and student.grad[2].any() and not student.grad[1].any()
        found.append((loss.detach(), student.grad))
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("rows", [1, 4, 6, 100])
def test_distances_in_pieces_are_those_of_the_whole(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text_N = torch.tensor([1.0, 1, 0, 1, 1, 1])
    monkeypatch.setattr(masking, "AT_HAND", ())
    whole_KL = layer_distances(list(states(0, 3)), states(1, 2), text_N)
    monkeypatch.setattr(masking, "AT_HAND", ("cpu",))
    monkeypatch.setattr(distillation, "ROWS_IN_CACHE", rows)
    torch.testing.assert_close(layer_distances(list(states(0, 3)), states(1, 2), text_N), whole_KL)
