import itertools
import re

import pytest

from laconic.report import theme


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(a: str, b: str) -> float:
    bright, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.fixture(params=[0, 1], ids=["light", "dark"])
def colours(request: pytest.FixtureRequest) -> dict[str, str]:
    blocks = re.findall(r":root \{ (?:color-scheme: light dark; )?(--paper[^}]*)\}", theme.stylesheet())
    assert len(blocks) == 2
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[request.param]))


def test_text_is_readable_on_every_ground(colours: dict[str, str]) -> None:
    grounds = ["paper", "panel", *(name for name in colours if name.startswith(("token-", "memory-")))]
    assert min(_contrast(colours["ink"], colours[ground]) for ground in grounds) >= 7
    assert min(_contrast(colours[name], colours["paper"]) for name in ("quiet", "accent", "warning")) >= 4.5


def test_colours_of_a_memory_grow_stronger_by_visible_steps(colours: dict[str, str]) -> None:
    grounds = [colours["panel"], *(colours[name] for name in sorted(colours) if name.startswith("memory-"))]
    assert len(grounds) == 5
    from_panel = [_contrast(colours["panel"], ground) for ground in grounds]
    assert all(stronger >= 1.1 * weaker for weaker, stronger in itertools.pairwise(from_panel))


def test_marks_on_tokens_stand_out(colours: dict[str, str]) -> None:
    grounds = [colours[name] for name in colours if name.startswith(("token-", "memory-"))]
    assert min(_contrast(colours["ink"], ground) for ground in grounds) >= 3
    assert min(_contrast(colours["accent"], ground) for ground in grounds) >= 2.5


def test_lines_of_figures_stand_out_from_the_paper(colours: dict[str, str]) -> None:
    names = [theme.series(index) for index in range(theme.SERIES)]
    assert len(set(names)) == theme.SERIES
    assert min(_contrast(colours[name], colours["paper"]) for name in names) >= 4.5


def test_placeholders_are_distinct_and_absent_from_the_stylesheet() -> None:
    paints = list(theme.placeholders().values())
    assert len(set(paints)) == len(paints)
    assert all(re.fullmatch("#[0-9a-f]{6}", paint) for paint in paints)
    assert not any(paint in theme.stylesheet() for paint in paints)


def test_variable_knows_the_names() -> None:
    assert theme.variable("ink") == "var(--ink)"
    with pytest.raises(ValueError, match="name is 'blue'"):
        theme.variable("blue")


def test_series_repeat() -> None:
    assert theme.series(0) == theme.series(theme.SERIES) == "series-1"


def test_the_stylesheet_asks_for_nothing_from_elsewhere() -> None:
    assert "url(" not in theme.stylesheet()
    assert "@import" not in theme.stylesheet()
