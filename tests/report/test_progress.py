"""The page of a run that goes on: whole, self-contained, and of what was judged last."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.report.test_page import Reader

from laconic.report.progress import SECONDS, Moment, render_progress, write_progress

SHARES = st.none() | st.floats(0, 1)


def moment(stage: str = "teacher", step: int = 4, **changes: Any) -> Moment:
    fields: dict[str, Any] = {"steps": 20, "score": 0.75, "sparsity": 0.0, "target": None, "expected": None}
    return Moment(stage=stage, step=step, **{**fields, "heads": (12, 0), "units": (3072, 40), **changes})


def test_the_last_judgement_is_told(tmp_path: Path) -> None:
    last = moment(
        "sparsity-0.95/prune", 8, score=0.8125, sparsity=0.9501, target=0.4, expected=0.375, heads=(2, 0), units=(7, 0)
    )
    write_progress([moment(), last], tmp_path / "p.html", task="<sst2>", whole=(12, 3072))
    text = (tmp_path / "p.html").read_text(encoding="utf-8")
    shown = " ".join(part.strip() for part in Reader(text).text if part.strip())
    assert "Pruning for <sst2>" in shown and "sparsity-0.95/prune step 8 of 20" in shown
    assert "95 %" in shown and "expected of the gates: 37.5 %" in shown and "0.8125" in shown
    assert "Left now: 2|7, 0|0" in shown and "the dense model has 12 and 3,072" in shown
    assert [path.name for path in tmp_path.iterdir()] == ["p.html"]


def test_it_reads_itself_again_until_the_run_ends() -> None:
    again = f'<meta http-equiv="refresh" content="{SECONDS}">'
    assert again in render_progress([moment()], task="t", whole=(12, 3072))
    assert again not in render_progress([moment()], task="t", whole=(12, 3072), live=False)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(-5, 5), SHARES, SHARES), min_size=1, max_size=12))
def test_every_judgement_is_a_point_within_the_figure(judged: list[tuple[str, float, float | None, float | None]]) -> None:
    moments = [
        moment(stage, score=score, sparsity=target or 0.0, target=target, expected=expected)
        for stage, score, target, expected in judged
    ]
    page = render_progress(moments, task="t", whole=(12, 3072))
    Reader(page)
    points = [(float(x), float(y)) for x, y in re.findall(r'<circle cx="([\d.-]+)" cy="([\d.-]+)"', page)]
    known = sum(share is not None for *_, target, expected in judged for share in (target, expected))
    assert len(points) == 2 * len(judged) + known
    views = re.findall(r'viewBox="0 0 (\d+) (\d+)"', page)
    width, height = map(float, views[1])
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
    changes = sum(one != other for (one, *_), (other, *_) in pairwise(judged))
    assert page.count("stroke: var(--bar)") == 2 * changes


def test_nothing_is_fetched_from_elsewhere() -> None:
    page = render_progress([moment()], task="t", whole=(12, 3072))
    assert not re.search(r"https?:|@import|url\([^#]|<script", page)
