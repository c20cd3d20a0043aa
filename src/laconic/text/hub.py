"""Named data sets from the Hugging Face hub, streaming, where `datasets` is installed and there is a network."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from laconic.errors import MissingDataError
from laconic.text.corpus import Corpus
from laconic.text.jsonlines import text_of_row
from laconic.text.splits import ALL, check_split, select_numbered
from laconic.text.wikitext import split_articles

OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
"""Environment variables by which people forbid the network."""


@dataclass(frozen=True, kw_only=True)
class HubData:
    """Where a data set lies on the hub.

    Attributes:
        path: repository, such as `allenai/c4`.
        config: which of its configurations.
        splits: our name of each split to the hub's. If `train` is the only one, the other splits are taken from its rows:
            of every 20 in order one is valid and one is test.
        columns: those that hold text; several are joined, each on a line.
        lines: whether each row is one line of WikiText, and no document.
    """

    path: str
    config: str | None
    splits: Mapping[str, str]
    columns: Sequence[str] = ("text",)
    lines: bool = False


def open_hub(name: str, hub: HubData, split: str) -> Corpus:
    """A data set of the hub as a corpus that streams.

    Raises:
        UsageError: no such split.
        MissingDataError: no network, or `datasets` is not installed.
    """
    numbered = set(hub.splits) == {"train"}
    check_split(split, ("train", "valid", "test", ALL) if numbered else tuple(hub.splits), name)
    rows = hub_rows(name, hub, "train" if numbered else split)

    def read() -> Iterator[bytes]:
        documents = _documents(name, hub, rows)
        return select_numbered(documents, split) if numbered else documents

    details = {
        "source": f"huggingface.co/datasets/{hub.path}",
        "config": hub.config,
        "split_rule": "rows" if numbered else "own",
    }
    return Corpus(name=name, split=split, details=details, read=read)


def hub_rows(name: str, hub: HubData, split: str) -> Iterable[Mapping[str, Any]]:
    """The rows of one of the splits that a data set has on the hub: streaming, and to be read again and again.

    Raises:
        UsageError: no such split.
        MissingDataError: no network, or `datasets` is not installed.
    """
    check_split(split, tuple(hub.splits), name)
    return _Rows(name, _load(name, hub, hub.splits[split]))


@final
class _Rows:
    """Rows that say in one sentence what broke while they were fetched."""

    def __init__(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        self._name = name
        self._rows = rows

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        try:
            yield from self._rows
        except Exception as error:
            raise MissingDataError(
                f"reading {self._name!r} from the Hugging Face hub failed ({_first_line(error)}): try again"
            ) from error


def missing(name: str, reason: str) -> MissingDataError:
    """The one sentence for a data set that is not at hand."""
    return MissingDataError(
        f"the data set {name!r} is not at hand ({reason}): put it into a folder and name that with LACONIC_DATA or --data-root"
    )


def _load(name: str, hub: HubData, split: str) -> Any:
    if any(os.environ.get(variable, "").upper() in ("1", "ON", "YES", "TRUE") for variable in OFFLINE):
        raise missing(name, "no data folder has it, and the network is forbidden by HF_HUB_OFFLINE")
    try:
        import datasets
    except ImportError as error:
        raise missing(name, "no data folder has it, and fetching it needs pip install 'laconic[train]'") from error
    try:
        return datasets.load_dataset(hub.path, hub.config, split=split, streaming=True)
    except Exception as error:  # The hub's client raises what its many parts raise.
        raise missing(
            name, f"no data folder has it, and the Hugging Face hub cannot be reached: {_first_line(error)}"
        ) from error


def _documents(name: str, hub: HubData, rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    texts = (
        b"\n".join(text_of_row(row, column, f"{name}, row {number}") for column in hub.columns)
        for number, row in enumerate(rows)
    )
    return split_articles(texts) if hub.lines else texts


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
