"""Data sets by name, in a folder laid out as the documentation says."""

import json
import lzma
from pathlib import Path

import pytest

from laconic.errors import MissingDataError, UsageError
from laconic.text.named import ENVIRONMENT, NAMED, data_folder, find_folder, find_named, open_named, split_files
from laconic.text.splits import SPLITS


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress(text.encode()))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "wikipedia-en/train.jsonl.xz", '{"title": "t", "text": "a"}\n{"title": "t", "text": "b"}\n')
    put(tmp_path, "wikipedia-en/valid.jsonl.xz", '{"text": "v"}')
    put(tmp_path, "calgary/book1.xz", "book")
    put(tmp_path, "calgary/paper1.xz", "paper")
    put(tmp_path, "flores200/deu.devtest.xz", "eins\n")
    put(tmp_path, "flores200/eng.devtest.xz", "one\n")
    put(tmp_path, "multi30k/train.de.xz", "ein\n")
    put(tmp_path, "multi30k/train.en.xz", "a\n")
    put(tmp_path, "enwik8/first-bytes.xz", "0123456\n" * 1000)
    put(tmp_path, "tatoeba/deu-eng.tsv.xz", "".join(f"{number}\tx\n" for number in range(200)))
    put(tmp_path, "squad/dev-v1.1.json.xz", json.dumps({"data": [{"paragraphs": [{"context": "c"}]}]}))
    put(tmp_path, "glue/SST-2/train.tsv.xz", "label\tsentence\n0\tsad\n1\tfine\n")
    put(tmp_path, "glue/STS-B/stsb-en-dev.csv.xz", '"a, b",c,5.0\n')
    put(tmp_path, "glue/QQP/dev.tsv.xz", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\ta\tb\t1\n4\t5\tbroken\n")
    put(tmp_path, "glue/CoLA/in_domain_dev.tsv.xz", "gj04\t1\t\tFine.\n")
    return tmp_path


def documents(name: str, split: str | None, root: Path) -> list[bytes]:
    return list(open_named(name, split, data_root=root).documents())


@pytest.mark.parametrize(
    ("name", "split", "expected"),
    [
        ("wikipedia-en", None, [b"a", b"b"]),
        ("wikipedia-en", "valid", [b"v"]),
        ("calgary", None, [b"book", b"paper"]),
        ("calgary/paper1", "test", [b"paper"]),
        ("flores200", "test", [b"eins\n", b"one\n"]),
        ("flores200/eng", None, [b"one\n"]),
        ("multi30k/de", "train", [b"ein\n"]),
        ("squad", "valid", [b"c"]),
        ("glue/sst2", "train", [b"sad", b"fine"]),
        ("glue/stsb", "valid", [b"a, b\nc"]),
        ("glue/cola", "valid", [b"Fine."]),
        ("glue/qqp", "valid", [b"a\nb"]),
    ],
)
def test_texts(root: Path, name: str, split: str | None, expected: list[bytes]) -> None:
    assert documents(name, split, root) == expected


def test_the_files_of_a_split(root: Path) -> None:
    folder = find_folder(NAMED["multi30k"], root)
    assert folder == root / "multi30k" and find_folder(NAMED["c4-en"], root) is None
    assert [file.name for file in split_files("multi30k", NAMED["multi30k"], "train", folder)] == ["train.de.xz", "train.en.xz"]
    assert split_files("multi30k/en", NAMED["multi30k"], "train", folder) == [folder / "train.en.xz"]
    with pytest.raises(MissingDataError, match=r"has no file val\.\* for 'multi30k', split 'valid'"):
        split_files("multi30k", NAMED["multi30k"], "valid", folder)


def test_splits_that_laconic_draws_are_partitions(root: Path) -> None:
    parts = [b"".join(documents("enwik8", split, root)) for split in SPLITS]
    assert [len(part) for part in parts] == [7208, 400, 392]
    assert b"".join(parts) == b"".join(documents("enwik8", "all", root)) == b"0123456\n" * 1000
    pairs = [documents("tatoeba", split, root) for split in SPLITS]
    assert all(pairs) and len({pair for part in pairs for pair in part}) == 200


def test_the_folder_comes_from_the_argument_or_the_environment(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(root))
    assert list(open_named("calgary/book1").documents()) == [b"book"]
    assert data_folder("x") == Path("x")
    monkeypatch.delenv(ENVIRONMENT)
    assert data_folder() is None
    with pytest.raises(MissingDataError, match=r"'calgary/book1' is not at hand \(no data folder is named\)"):
        open_named("calgary/book1")


def test_what_is_not_there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UsageError, match="no data set 'imdb': choose one of c4-en, wikipedia-en"):
        open_named("imdb", data_root=root)
    with pytest.raises(UsageError, match="calgary has no split 'train': choose one of test"):
        open_named("calgary", "train", data_root=root)
    with pytest.raises(MissingDataError, match=r"has no file test\.\* for 'wikipedia-en', split 'test'"):
        open_named("wikipedia-en", "test", data_root=root)
    with pytest.raises(MissingDataError, match="for 'calgary/news'"):
        open_named("calgary/news", data_root=root)
    with pytest.raises(MissingDataError, match=r"'c4-en' is not at hand \(no data folder has it"):
        open_named("c4-en", data_root=root)
    with pytest.raises(MissingDataError, match=r"'tinyshakespeare' is not at hand \(.* does not have it\)"):
        open_named("tinyshakespeare", data_root=root)


def test_c4_as_it_is_distributed(root: Path) -> None:
    put(root, "c4-en/c4-train.00001-of-01024.json.xz", '{"text": "two"}')
    put(root, "c4-en/c4-train.00000-of-01024.json.xz", '{"text": "one"}')
    put(root, "c4-en/c4-validation.00000-of-00008.json.xz", '{"text": "v"}')
    assert documents("c4-en", "train", root) == [b"one", b"two"]
    assert documents("c4-en", "valid", root) == [b"v"]


def test_names_and_parts() -> None:
    assert find_named("calgary/x") is NAMED["calgary"]
    assert find_named("glue/sst2") is NAMED["glue/sst2"]
    assert find_named("glue/x") is find_named("enwik8/x") is find_named("./enwik8") is find_named("") is None
    assert NAMED["enwik8"].splits == SPLITS and NAMED["squad"].splits == ("train", "valid")


SIZES = {
    ("wikipedia-en", "valid"): (249, 2_084_401),
    ("wikipedia-en", "test"): (299, 2_020_191),
    ("wikitext-2", "valid"): (60, 1_121_681),
    ("wikitext-2", "test"): (60, 1_256_449),
    ("enwik8", "all"): (3, 4_154_400),
    ("tinyshakespeare", "all"): (3, 1_115_394),
    ("calgary/book1", "test"): (1, 768_771),
    ("canterbury/alice29.txt", "test"): (1, 152_089),
    ("flores200", "test"): (12, 2_531_566),
    ("multi30k/en", "train"): (1, 1_801_238),
    ("squad", "valid"): (2067, 1_603_206),
    ("glue/sst2", "train"): (67_349, 3_536_669),
    ("glue/sst2", "valid"): (872, 91_784),
    ("glue/mrpc", "train"): (3_668, 852_137),
    ("glue/rte", "train"): (2_490, 800_011),
    ("glue/cola", "train"): (8_551, 348_041),
    ("glue/stsb", "train"): (5_749, 668_556),
}


@pytest.mark.data
@pytest.mark.parametrize(("name", "split"), SIZES)
def test_the_real_data_is_whole(data_root: Path, name: str, split: str) -> None:
    sizes = [len(document) for document in open_named(name, split, data_root=data_root).documents()]
    assert (len(sizes), sum(sizes)) == SIZES[name, split]
