"""`laconic report`: the records below some folders become one page with tables and figures."""

from pathlib import Path
from typing import Annotated

import typer

from laconic.cli.console import print_result


def report(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR", help="Folders with records, or single records.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The page to write.")] = Path("report.html"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Gather the records below some folders into one self-contained HTML page.

    The page opens without a network and reads without JavaScript. JSON files that are not records are left out.

    Example: compare two runs on one page:

        $ laconic report runs/bytes runs/equal-info -o both.html
    """
    from laconic.records.record import load_records
    from laconic.report.page import write_report

    records, passed_over = load_records(folders)
    write_report(records, out)
    plural = "" if len(records) == 1 else "s"
    data = {"report": str(out), "records": len(records), "passed_over": [str(path) for path in passed_over]}
    print_result(data, as_json, f"{len(records)} record{plural} on one page: {out}")
