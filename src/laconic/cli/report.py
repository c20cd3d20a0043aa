"""`laconic report`: the records below some folders become one page with tables and figures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laconic.cli.console import err, print_result
from laconic.errors import CorruptFileError, FormatVersionError, MissingDataError

if TYPE_CHECKING:
    from laconic.records.record import Record


def report(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR", help="Folders with records, or single records.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The page to write.")] = Path("report.html"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Gather the records below some folders into one self-contained HTML page.

    The page opens without a network and reads without JavaScript. JSON files that are not records are passed over.

    Example: compare two runs on one page:

        $ laconic report runs/bytes runs/equal-info -o both.html
    """
    from laconic.report.page import write_report

    records, passed_over = gather(folders)
    if not records:
        named = ", ".join(str(folder) for folder in folders)
        unfinished = any(map(_is_unfinished, folders))
        advice = "its run has not ended, --resume continues it" if unfinished else "name the folder that a run wrote with --out"
        raise MissingDataError(f"no record was found below {named}: {advice}")
    for folder in filter(_is_unfinished, folders):
        err.print(f"passed over: {folder} holds a run that has not ended; --resume continues it")
    write_report(records, out)
    plural = "" if len(records) == 1 else "s"
    data = {"report": str(out), "records": len(records), "passed_over": [str(path) for path in passed_over]}
    print_result(data, as_json, f"{len(records)} record{plural} on one page: {out}")


def _is_unfinished(folder: Path) -> bool:
    """Whether a folder holds a run that has no record yet."""
    from laconic.recipes.rundir import RECORD, is_run

    return is_run(folder) and not (folder / RECORD).is_file()


def gather(places: list[Path]) -> "tuple[list[Record], list[Path]]":
    """Load the records in and below some places, oldest first.

    Args:
        places: folders, searched to any depth for `*.json`, or single files, which must be records.

    Returns:
        The records, and the JSON files below the folders that are none that this laconic reads; standard error names
        those of a newer one.

    Raises:
        MissingDataError: a place does not exist.
        CorruptFileError: a single file that is not a record.
        FormatVersionError: a single file that is a record of a newer laconic.
    """
    from laconic.records.record import Record

    records: list[Record] = []
    passed_over: list[Path] = []
    for path in dict.fromkeys(path for place in places for path in _candidates(place)):
        try:
            records.append(Record.load(path))
        except CorruptFileError:
            if path in places:
                raise
            passed_over.append(path)
        except FormatVersionError as error:
            if path in places:
                raise
            err.print(f"passed over: {error}")
            passed_over.append(path)
    return sorted(records, key=lambda record: record.created), passed_over


def _candidates(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(path for path in place.rglob("*.json") if path.is_file())
    if place.is_file():
        return [place]
    raise MissingDataError(f"{place} does not exist: name a folder that a run wrote, or one of its records")
