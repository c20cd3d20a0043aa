"""One function for every body of text: `open_corpus`."""

from pathlib import Path
from typing import Any

from laconic.errors import UsageError
from laconic.text.corpus import Corpus
from laconic.text.named import NAMED, find_named, open_named
from laconic.text.paths import open_path, open_stdin
from laconic.text.rows import open_rows
from laconic.text.splits import ALL
from laconic.text.stdlib import open_stdlib


def open_corpus(
    source: Any,
    split: str | None = None,
    *,
    data_root: Path | str | None = None,
    text_column: str | None = None,
) -> Corpus:
    """Open any body of text.

    Args:
        source: `stdlib`; the name of a data set (`laconic.text.named.NAMED`); a path (write `./name` for a file that is called
            like a data set); `-` for standard input; a Hugging Face data set or a dictionary of them; a list of documents.
        split: `train`, `valid`, `test` or `all`. If None: for names `train`, or the first split they
            have; for everything else `all`.
        data_root: the folder with the named data sets; that of `LACONIC_DATA` if None.
        text_column: the field or column that holds the text; `text` if None. Where it is given, `.json` files are JSON lines.

    Returns:
        A corpus that streams and can be read again and again (standard input: once).

    Raises:
        UsageError: an unknown name or split, or something that is no corpus.
        MissingDataError: the path or data set is not at hand.

    Examples:
        >>> corpus = open_corpus(["one", "two"])
        >>> list(corpus.documents())
        [b'one', b'two']
    """
    if not isinstance(source, str | Path):
        return open_rows(source, split or ALL, text_column=text_column)
    if source == "-":
        return open_stdin(split or ALL)
    if source == "stdlib":
        return open_stdlib(split or "train")
    if isinstance(source, str) and find_named(source):
        return open_named(source, split, data_root=data_root)
    if not str(source) or not _is_there(Path(source)):
        names = ", ".join(("stdlib", *NAMED))
        raise UsageError(f"{str(source)!r} is neither a file nor a data set: check the path, or choose one of {names}")
    return open_path(Path(source), split or ALL, text_column=text_column)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # No name of a file at all, such as one that is too long.
        return False
