import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from laconic.errors import MissingExtraError, OutputError
from laconic.records.record import Record
from laconic.report.page import render_page, write_report

Browse = Callable[..., tuple[str, list[str]]]
VOID = {"meta", "link", "br", "img", "hr"}
POISONS = [
    "<script>alert(1)</script>",
    "</pre></details><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x=\'',
    "javascript:alert(1)",
    "</style></title></svg>]]><!--",
    "&lt;b&gt;$\\alpha$ {0} %s",
    "\x00\x1b[31m\u202ereversed\u2066\ud800",
    "a" * 20_000,
]


@pytest.fixture(scope="module")
def harmless(hostile: Callable[[str], list[Record]]) -> "Reader":
    """The page of the hostile records before they turned hostile."""
    return Reader(render_page(hostile("harmless"), title="harmless"))


class Reader(HTMLParser):
    """Reads a page and notes its tags, attributes and text; complains about tags that do not match."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_is_well_formed_and_its_identifiers_are_unique(sample_page: str) -> None:
    page = Reader(sample_page)
    names = Counter(value for _, name, value in page.attributes if name == "id")
    assert [name for name, times in names.items() if times > 1] == []
    targets = [value[1:] for tag, name, value in page.attributes if tag == "a" and name == "href"]
    assert targets and set(targets) <= set(names)


def test_the_page_needs_nothing_from_elsewhere(sample_page: str) -> None:
    page = Reader(sample_page)
    loading = [
        (tag, name, value) for tag, name, value in page.attributes if name in ("src", "href", "xlink:href", "srcset", "action")
    ]
    assert all(value.startswith(("#", "data:,")) for _, _, value in loading)
    assert not re.search(r"https?:|@import|url\([^#]", sample_page)
    assert page.tags["script"] == 1


def test_every_kind_has_its_section_and_the_page_reads_in_order(sample_page: str) -> None:
    titles = re.findall("<h2>([^<]*)</h2>", sample_page)
    assert titles == [
        "Compression",
        "Tokenizers",
        "Language models",
        "What the memory contributes",
        "Pruned models",
        "The text in tokens",
        "Other records",
        "How it was made",
    ]


def test_figures_have_titles_and_tables_have_headers(sample_page: str) -> None:
    page = Reader(sample_page)
    assert page.tags["svg"] == 10
    scopes = Counter(value for tag, name, value in page.attributes if tag == "th" and name == "scope")
    assert page.tags["th"] == scopes["col"] + scopes["row"]
    assert ("html", "lang", "en") in page.attributes


def test_the_same_records_give_the_same_page(sample: list[Record], sample_page: str) -> None:
    assert render_page(sample) == sample_page


def test_a_page_of_no_records_is_a_page() -> None:
    assert "0 records" in "".join(Reader(render_page([])).text)


@pytest.mark.parametrize("poison", POISONS, ids=range(len(POISONS)))
def test_nothing_in_a_record_becomes_markup(
    poison: str, harmless: "Reader", hostile: Callable[[str], list[Record]], tmp_path: Path
) -> None:
    path = write_report(hostile(poison), tmp_path / "page.html", title=poison)
    page = Reader(path.read_text(encoding="utf-8"))
    drawn = {"text", "tspan", "g", "use", "path", "defs", "clippath", "rect"}
    assert {tag: n for tag, n in page.tags.items() if tag not in drawn} == {
        tag: n for tag, n in harmless.tags.items() if tag not in drawn
    }
    assert {name for _, name, _ in page.attributes} == {name for _, name, _ in harmless.attributes}
    assert not any(name.startswith("on") for _, name, _ in page.attributes)


def test_write_report_returns_the_path_and_replaces_whole(sample: list[Record], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    assert write_report(sample, path, title="A title") == path
    assert "<h1>A title</h1>" in path.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_missing_is_said_in_a_sentence(sample: list[Record], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        write_report(sample, tmp_path / "missing" / "report.html")


def test_without_matplotlib_nothing_is_written(sample: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match="drawing a report"):
        write_report(sample, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.browser
def test_a_browser_opens_the_page_without_complaint(sample: list[Record], tmp_path: Path, browse: Browse) -> None:
    page = write_report(sample, tmp_path / "report.html")
    elements, console = browse(page, "--dump-dom")
    assert console == []
    shown = Reader(elements)
    assert shown.tags["svg"] == 10
    assert "How it was made" in "".join(shown.text)


@pytest.mark.browser
def test_the_browser_refuses_what_the_page_must_not_do(sample: list[Record], tmp_path: Path, browse: Browse) -> None:
    page = write_report(sample, tmp_path / "report.html")
    planted = "<script>document.title = 'taken over'</script><img src='https://example.org/x.png'></body>"
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", planted), encoding="utf-8")
    elements, console = browse(page, "--dump-dom")
    assert "<title>taken over</title>" not in elements
    assert len(console) >= 2


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_paints_in_light_and_dark(sample: list[Record], tmp_path: Path, browse: Browse, dark: bool) -> None:
    from PIL import Image

    page, picture = write_report(sample, tmp_path / "report.html"), tmp_path / "page.png"
    browse(page, f"--screenshot={picture}", "--window-size=1000,1600", *(["--force-dark-mode"] if dark else []))
    pixels = Image.open(picture).convert("L")
    ground = pixels.getpixel((2, 2))
    assert isinstance(ground, int)
    assert (ground < 60) if dark else (ground > 200)
    assert len(set(pixels.get_flattened_data())) > 20
