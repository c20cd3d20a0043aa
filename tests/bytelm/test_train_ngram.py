from pathlib import Path

import numpy as np
import pytest

from laconic.bytelm.base import CountFormat
from laconic.bytelm.ngram import NGramByteLM
from laconic.bytelm.registry import save_byte_lm
from laconic.bytelm.train_ngram import NGramConfig, train_ngram
from laconic.errors import TrainingError

WORDS = b"the cat sat on the mat and the dog sat on the log then a bird saw it all from the old tree near my house".split()


def text(seed: int, words: int = 3000) -> bytes:
    """Words in an order that no n-gram of six symbols knows, so that sizes and orders matter."""
    state, out = seed, []
    for _ in range(words):
        state = (state * 1103515245 + 12345) % (1 << 31)
        out.append(WORDS[(state >> 16) % len(WORDS)])
    return b" ".join(out)


def bits_per_byte(model: NGramByteLM, data: bytes) -> float:
    symbols_BT = np.frombuffer(data, dtype=np.uint8).astype(np.uint16)[None]
    starts_BT, stops_BT = model.ranges(symbols_BT, np.array([len(data)]), CountFormat(precision=24, eos=False))
    return float(-np.log2((stops_BT - starts_BT.astype(float)) / (1 << 24)).sum() / len(data))


def test_longer_orders_and_larger_files_predict_better() -> None:
    by_order = [bits_per_byte(train_ngram([(text(1), 1)], NGramConfig(order=order)), text(2)) for order in (2, 3, 6)]
    assert by_order[1] < by_order[0] - 0.3
    assert by_order[2] < by_order[0] - 0.3
    by_size = [bits_per_byte(train_ngram([(text(1), 1)], NGramConfig(max_bytes=size)), text(2)) for size in (8192, 100_000)]
    assert by_size[1] <= by_size[0]


def test_starts_are_learned() -> None:
    """In the middle of this text spaces are rare; where a window starts, they are as common as anywhere."""
    data, form = text(1), CountFormat(precision=20, eos=False)
    shares = []
    for starts in (0.0, 0.1):
        model = train_ngram([(data, 1)], NGramConfig(starts=starts))
        edges_C = model.start(1, form).cumulative()[0].astype(np.int64)
        shares.append((edges_C[33] - edges_C[32]) / form.total)
    assert shares[1] == pytest.approx(data.count(b" ") / len(data), rel=0.05)
    assert shares[0] != pytest.approx(shares[1], rel=0.2)


@pytest.mark.parametrize("max_bytes", [8192, 9000, 12_000])
def test_the_file_is_no_larger_than_asked(tmp_path: Path, max_bytes: int) -> None:
    data = np.random.default_rng(0).integers(97, 110, 20_000).astype(np.uint8).tobytes()
    model = train_ngram([(data, 1)], NGramConfig(max_bytes=max_bytes, leave_out=0.1))
    save_byte_lm(model, tmp_path / "m.safetensors")
    assert max_bytes - 4096 < (tmp_path / "m.safetensors").stat().st_size <= max_bytes


def test_trained_again_it_is_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save_byte_lm(train_ngram([(text(1), 1), (b"abc", 2)], trained_on="words"), tmp_path / f"{name}.safetensors")
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()


def test_a_weight_is_as_good_as_repetition() -> None:
    weighted = train_ngram([(text(1, 300), 3), (b"abc", 1)])
    repeated = train_ngram([(text(1, 300), 1)] * 3 + [(b"abc", 1)])
    assert weighted.fingerprint == repeated.fingerprint


def test_the_description_says_what_it_was_trained_on() -> None:
    model = train_ngram([(text(1, 300), 1)], NGramConfig(order=4), trained_on="three hundred words")
    assert model.description.startswith("n-gram of order 4, ")
    assert model.description.endswith("successors, trained on three hundred words")


@pytest.mark.parametrize("documents", [[], [(b"", 1)], [(b"", 2), (b"", 1)]])
def test_no_text_is_refused(documents: list[tuple[bytes, int]]) -> None:
    with pytest.raises(TrainingError, match="no text to train on"):
        train_ngram(documents)


@pytest.mark.parametrize("documents", [[(b"a", 1)], [(b"\xff\xff\xff\xff", 9)]])
def test_hardly_any_text_gives_a_model(documents: list[tuple[bytes, int]]) -> None:
    model = train_ngram(documents)
    likely = int(np.argmax(np.diff(model.start(1, CountFormat(eos=False)).cumulative()[0].astype(np.int64))))
    assert likely == documents[0][0][0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"order": 1},
        {"order": 7},
        {"max_bytes": 8191},
        {"min_count": 0},
        {"leave_out": -1.0},
        {"passes": 0},
        {"starts": 1.5},
        {"min_backoff": 0.0},
    ],
)
def test_a_config_out_of_range_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        NGramConfig(**wrong)  # type: ignore[arg-type]
