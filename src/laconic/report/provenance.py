"""How each record was made: command, commit, seed, software, machine and cost, and the record itself."""

import shlex
from collections.abc import Sequence

from laconic.records.record import Record
from laconic.report.markup import escape
from laconic.report.tables import Column, pairs, table
from laconic.report.wording import DASH, duration, moment, short

_RUNS = (
    Column(key="name", title="record", numeric=False),
    Column(key="created", title="started (UTC)", numeric=False, form=moment),
    Column(key="commit", title="commit", numeric=False, form=lambda value: _short_commit(str(value))),
    Column(key="seed", title="seed", form=str),
    Column(key="wall_seconds", title="wall time", form=duration),
    Column(key="flops", title="FLOPs", form=short),
    Column(key="joules", title="joules", form=short),
)


def provenance(records: Sequence[Record]) -> str:
    """A table of all runs and what they cost, then each one in detail, folded."""
    rows = [
        {
            "name": f"{record.kind}: {record.name}",
            "created": record.created,
            "commit": record.commit,
            "seed": record.seed,
            **{key: record.cost.get(key) for key in ("wall_seconds", "flops", "joules")},
        }
        for record in records
    ]
    note = '<p class="quiet">Joules are shown where the machine tells them.</p>\n'
    return table("Every run on this page and its cost", _RUNS, rows) + note + "".join(_details(record) for record in records)


def _details(record: Record) -> str:
    other_cost = {key: value for key, value in record.cost.items() if key not in ("wall_seconds", "flops", "joules")}
    return (
        f"<details><summary>{escape(record.kind)}: {escape(record.name)}</summary>\n"
        f'<pre class="command">{escape(shlex.join(record.command) or DASH)}</pre>\n'
        f"{pairs('Run', {'started': record.created, 'commit': record.commit, 'seed': record.seed})}"
        f"{pairs('Machine', record.hardware)}{pairs('Software', record.versions)}{pairs('Settings', record.config)}"
        f"{pairs('Cost, further', other_cost)}{pairs('Not finite', record.not_finite)}"
        f"<details><summary>The record as JSON</summary>\n<pre>{escape(record.to_json())}</pre></details>\n</details>\n"
    )


def _short_commit(commit: str) -> str:
    base, _, rest = commit.partition("-")
    return f"{base[:10]}-{rest}" if rest else base[:10]
