"""Named data sets: looked up in the data folder, else on the Hugging Face hub."""

import fnmatch
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path

from laconic.errors import MissingDataError, UsageError
from laconic.text.compressed import unpacked_name
from laconic.text.corpus import Corpus
from laconic.text.hub import HubData, missing, open_hub
from laconic.text.paths import list_files, read_file
from laconic.text.plain import read_plain_part
from laconic.text.splits import ALL, SPLITS, check_split
from laconic.text.tables import Layout, read_pairs, read_squad, read_texts
from laconic.text.wikitext import read_wikitext

ENVIRONMENT = "LACONIC_DATA"
"""The environment variable that names the data folder."""

_OWN = {"train": "train.*", "valid": "valid*.*", "test": "test.*"}
_TRAIN_DEV = {"train": "train.*", "valid": "dev.*"}
_SENTENCES = ("sentence1", "sentence2")


@dataclass(frozen=True, kw_only=True)
class NamedData:
    """Where a data set lies in the data folder, and how it is read.

    Attributes:
        folder: below the data folder.
        files: a pattern of file names for each split that the data set has of its own.
        read: the documents of one file.
        divided: a pattern of files without splits of their own, and how to read one split of them.
        layout: the columns of its tables, if they hold labels too.
        hub: where to find it on the hub, if there.
    """

    folder: str
    files: Mapping[str, str] = field(default_factory=dict)
    read: Callable[[Path], Iterator[bytes]] = read_file
    divided: tuple[str, Callable[[Path, str], Iterator[bytes]]] | None = None
    layout: Layout | None = None
    hub: HubData | None = None

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits there are, in their usual order."""
        return tuple(split for split in SPLITS if self.divided or split in self.files)


def _glue(
    folder: str,
    layout: Layout,
    config: str,
    columns: tuple[str, ...],
    *,
    files: Mapping[str, str] = _TRAIN_DEV,
    valid: str = "validation",
) -> NamedData:
    hub = HubData(path="nyu-mll/glue", config=config, splits={"train": "train", "valid": valid}, columns=columns)
    read = partial(read_texts, layout=layout)
    return NamedData(folder=f"glue/{folder}", files=files, read=read, layout=layout, hub=hub)


def _wikitext(config: str) -> HubData:
    splits = {"train": "train", "valid": "validation", "test": "test"}
    return HubData(path="Salesforce/wikitext", config=config, splits=splits, lines=True)


NAMED: Mapping[str, NamedData] = {
    "c4-en": NamedData(
        folder="c4-en",
        files={"train": "*train.*", "valid": "*valid*.*"},
        read=partial(read_file, text_column="text"),
        hub=HubData(path="allenai/c4", config="en", splits={"train": "train", "valid": "validation"}),
    ),
    "wikipedia-en": NamedData(
        folder="wikipedia-en",
        files=_OWN,
        hub=HubData(path="wikimedia/wikipedia", config="20231101.en", splits={"train": "train"}),
    ),
    "wikitext-2": NamedData(folder="wikitext-2", files=_OWN, read=read_wikitext, hub=_wikitext("wikitext-2-v1")),
    "wikitext-103": NamedData(folder="wikitext-103", files=_OWN, read=read_wikitext, hub=_wikitext("wikitext-103-v1")),
    "enwik8": NamedData(folder="enwik8", divided=("*", read_plain_part)),
    "tinyshakespeare": NamedData(folder="tinyshakespeare", divided=("*", read_plain_part)),
    "calgary": NamedData(folder="calgary", files={"test": "*"}),
    "canterbury": NamedData(folder="canterbury", files={"test": "*"}),
    "flores200": NamedData(folder="flores200", files={"test": "*.devtest.*"}),
    "multi30k": NamedData(folder="multi30k", files={"train": "train.*", "valid": "val.*", "test": "test_*"}),
    "tatoeba": NamedData(folder="tatoeba", divided=("*.tsv*", read_pairs)),
    "squad": NamedData(
        folder="squad",
        files={"train": "squadshifts_*", "valid": "dev-*"},
        read=read_squad,
        hub=HubData(
            path="rajpurkar/squad", config=None, splits={"train": "train", "valid": "validation"}, columns=("context",)
        ),
    ),
    "glue/sst2": _glue("SST-2", Layout(texts=(1,), label=0), "sst2", ("sentence",)),
    "glue/mrpc": _glue("MRPC", Layout(texts=(3, 4), label=0), "mrpc", _SENTENCES),
    "glue/rte": _glue("RTE", Layout(texts=(1, 2), label=3), "rte", _SENTENCES),
    "glue/cola": _glue(
        "CoLA",
        Layout(texts=(3,), label=1, header=False),
        "cola",
        ("sentence",),
        files={"train": "in_domain_train.*", "valid": "*_domain_dev.*"},
    ),
    "glue/stsb": _glue(
        "STS-B",
        Layout(texts=(0, 1), label=2, header=False, quoted=True),
        "stsb",
        _SENTENCES,
        files={"train": "stsb-en-train.*", "valid": "stsb-en-dev.*"},
    ),
    "glue/qnli": _glue("QNLI", Layout(texts=(1, 2), label=3), "qnli", ("question", "sentence")),
    "glue/mnli": _glue(
        "MNLI",
        Layout(texts=(8, 9), label=-1),
        "mnli",
        ("premise", "hypothesis"),
        files={"train": "train.*", "valid": "dev_matched.*"},
        valid="validation_matched",
    ),
    "glue/qqp": _glue("QQP", Layout(texts=(3, 4), label=5, broken=True), "qqp", ("question1", "question2")),
}
"""Every data set that has a name. `calgary`, `canterbury`, `flores200` and `multi30k` also by part: `calgary/book1`,
`flores200/deu`, `multi30k/en`. The splits of `enwik8` and `tinyshakespeare` are byte ranges (90, 5 and 5 %, moved on to the
next line end); those of `tatoeba` are drawn by a hash of the English sentence."""

_WITH_PARTS = ("calgary", "canterbury", "flores200", "multi30k")


def find_named(name: str) -> NamedData | None:
    """The data set of that name, or the part of one, such as `calgary/book1`; None if there is none."""
    data = NAMED.get(name)
    whole, _, part = name.partition("/")
    if data is None and part and whole in _WITH_PARTS:
        return NAMED[whole]
    return data


def data_folder(data_root: Path | str | None = None) -> Path | None:
    """The folder with the data sets: the argument, else what `LACONIC_DATA` names, else None."""
    named = data_root or os.environ.get(ENVIRONMENT)
    return Path(named) if named else None


def open_named(name: str, split: str | None = None, *, data_root: Path | str | None = None) -> Corpus:
    """A named data set as a corpus.

    Args:
        name: one of `NAMED`, or a part such as `calgary/book1`.
        split: `train`, `valid` or `test`, where the data set has it; `all` for every split, one after the other. If None:
            the first of these that it has.
        data_root: the data folder; that of `LACONIC_DATA` if None.

    Raises:
        UsageError: no such name or split.
        MissingDataError: neither in the data folder nor to be had from the hub; the message says how to provide it.
    """
    data = find_named(name)
    if data is None:
        raise UsageError(f"there is no data set {name!r}: choose one of {', '.join(NAMED)}")
    split = split or data.splits[0]
    folder = find_folder(data, data_root)
    if folder is None:
        if data.hub is None:
            root = data_folder(data_root)
            raise missing(name, f"{root} does not have it" if root else "no data folder is named")
        return open_hub(name, data.hub, split)
    check_split(split, (*data.splits, ALL), name)
    return _open_folder(name, data, split, folder)


def find_folder(data: NamedData, data_root: Path | str | None = None) -> Path | None:
    """Where a data set lies in the data folder; None if it does not."""
    root = data_folder(data_root)
    return root / data.folder if root and (root / data.folder).is_dir() else None


def split_files(name: str, data: NamedData, split: str, folder: Path) -> list[Path]:
    """The files that one split of a data set is read from, in the order of their names.

    Args:
        name: of the data set, or of a part of it.
        data: the data set.
        split: one that it has.
        folder: where it lies, as `find_folder` says.

    Raises:
        MissingDataError: none there.
    """
    pattern = data.files[split] if data.divided is None else data.divided[0]
    chosen = [file for file in list_files(folder) if _in_part(file, name) and fnmatch.fnmatch(file.name, pattern)]
    if not chosen:
        raise MissingDataError(f"{folder} has no file {pattern} for {name!r}, split {split!r}: put it there")
    return chosen


def _open_folder(name: str, data: NamedData, split: str, folder: Path) -> Corpus:
    readers: list[Callable[[], Iterator[bytes]]] = []
    for part in data.splits if split == ALL else (split,):
        readers += [partial(_read_split, data, part, file) for file in split_files(name, data, part, folder)]
    rule = "own" if data.divided is None else "drawn by laconic"
    details = {"source": "data folder", "files": len(readers), "split_rule": rule}
    return Corpus(name=name, split=split, details=details, read=lambda: chain.from_iterable(reader() for reader in readers))


def _read_split(data: NamedData, split: str, file: Path) -> Iterator[bytes]:
    return data.read(file) if data.divided is None else data.divided[1](file, split)


def _in_part(file: Path, name: str) -> bool:
    """Whether a file belongs to the part that a name such as `flores200/deu` or `canterbury/alice29.txt` asks for."""
    whole, _, part = name.partition("/")
    return whole not in _WITH_PARTS or not part or part == unpacked_name(file) or part in file.name.split(".")
