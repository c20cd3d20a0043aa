"""A run as data: what was asked for, on which machine and software, what came out, and what it cost."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, final

from laconic.errors import CorruptFileError, FormatVersionError, MissingDataError
from laconic.records.files import open_atomic
from laconic.records.hardware import read_hardware
from laconic.records.meter import Meter
from laconic.records.plain import NOT_FINITE, to_plain
from laconic.records.versions import read_commit, read_versions

SCHEMA = 1
"""The version of the JSON that `Record` writes; any change of the fields is a new one."""

MAX_RECORD_BYTES = 256 << 20
"""A file larger than this is no record, and is not read into memory."""

Plain = dict[str, Any]
"""A JSON object: string keys, and values that JSON can hold."""


@final
@dataclass(frozen=True, kw_only=True)
class Record:
    """One run. Made by `start`, completed by `finish`, kept by `save`; never changed afterwards.

    `config`, `results`, `cost` and `hardware` are copied into plain JSON when a record is made, numpy values and tuples
    included. A NaN or an infinity becomes None, and `not_finite` says which it was.

    Attributes:
        kind: what was done, as a verb: `train`, `evaluate`, `benchmark`, ...
        name: which one: a recipe, a data set, a title.
        created: when the run started, UTC, as ISO 8601 with seconds.
        command: the command line.
        commit: git commit of the package's checkout, `-dirty` where files were changed; None where there is none.
        seed: what the randomness started from; None where there was none.
        versions: Python and packages.
        hardware: the machine; see `laconic.records.hardware.read_hardware`.
        config: everything that was asked for.
        results: everything that came out; empty until finished.
        cost: `wall_seconds`, `flops` and `joules` (None: not known), and what else the run counted; empty until finished.
        not_finite: dotted name of each value that was not a finite number: `nan`, `inf` or `-inf`.
        schema: version of this list of fields.
    """

    kind: str
    name: str
    created: str
    command: Sequence[str] = ()
    commit: str | None = None
    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: Plain = field(default_factory=dict)
    config: Plain = field(default_factory=dict)
    results: Plain = field(default_factory=dict)
    cost: Plain = field(default_factory=dict)
    not_finite: Mapping[str, str] = field(default_factory=dict)
    schema: int = SCHEMA
    _meter: Meter | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        not_finite = dict(self.not_finite)
        for part in ("hardware", "config", "results", "cost"):
            object.__setattr__(self, part, to_plain(getattr(self, part), part, not_finite))
        object.__setattr__(self, "command", tuple(self.command))
        object.__setattr__(self, "versions", dict(self.versions))
        object.__setattr__(self, "not_finite", not_finite)

    @classmethod
    def start(
        cls,
        *,
        kind: str,
        name: str,
        command: Sequence[str] | None = None,
        seed: int | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Self:
        """Begin a run: note time, command, commit, versions and machine, and start the clock.

        Args:
            kind: what is done: `train`, `evaluate`, `benchmark`, ...
            name: which one.
            command: the command line; that of this process if None.
            seed: what the randomness starts from.
            config: everything that was asked for, as JSON can hold it.

        Raises:
            TypeError: something in `config` that JSON cannot hold.
        """
        return cls(
            kind=kind,
            name=name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            command=tuple(sys.argv if command is None else command),
            commit=read_commit(),
            seed=seed,
            versions=read_versions(),
            hardware=read_hardware(),
            config=dict(config or {}),
            _meter=Meter(),
        )

    def finish(self, *, results: Mapping[str, Any], cost: Mapping[str, Any] | None = None) -> Self:
        """The completed record: this one with results and cost; the clock stops.

        Args:
            results: everything that came out, as JSON can hold it.
            cost: what the run counted, such as `flops`; stands above what was measured.

        Raises:
            ValueError: this record was not made by `start`, or is finished already.
            TypeError: something that JSON cannot hold.
        """
        if self._meter is None:
            raise ValueError(
                f"the record {self.name!r} is not running: only a record made by Record.start can be finished, once"
            )
        measured = {"flops": None, **self._meter.stop()}
        # The machine is read again: an accelerator shows only once the run has imported torch.
        hardware = read_hardware()
        return replace(self, results=dict(results), cost={**measured, **(cost or {})}, hardware=hardware, _meter=None)

    def to_dict(self) -> Plain:
        """All fields, `schema` first, as plain JSON values."""
        parts = {part.name: getattr(self, part.name) for part in fields(self) if part.name not in ("schema", "_meter")}
        return {"schema": self.schema, **parts, "command": list(self.command)}

    def to_json(self) -> str:
        """The record as JSON text, indented, ending with a newline. It can be encoded as UTF-8."""
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        # A word of a command line that is not UTF-8 holds lone surrogates; their backslash form is also that of JSON.
        return text.encode("utf-8", "backslashreplace").decode("utf-8")

    def save(self, path: Path | str) -> None:
        """Write the record; the file appears whole or not at all.

        Raises:
            OutputError: the file cannot be written.
        """
        with open_atomic(path, "w") as stream:
            stream.write(self.to_json())

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a record.

        Raises:
            MissingDataError: no file can be read there.
            FormatVersionError: written by a newer laconic.
            CorruptFileError: not a record.
        """
        path = Path(path)
        try:
            with path.open("rb") as stream:
                data = stream.read(MAX_RECORD_BYTES + 1)
        except OSError as error:
            raise MissingDataError(f"cannot read a record from {path}: {error.strerror}; check the path") from error
        if len(data) > MAX_RECORD_BYTES:
            raise CorruptFileError(
                f"{path} has more than {MAX_RECORD_BYTES} bytes, which no record has; give the JSON file of a run"
            )
        return cls.from_json(data, name=str(path))

    @classmethod
    def from_json(cls, data: bytes | str, *, name: str) -> Self:
        """Read a record from JSON text.

        Args:
            data: the text.
            name: where it came from, for error messages.

        Raises:
            FormatVersionError: written by a newer laconic.
            CorruptFileError: not a record.
        """
        try:
            values = json.loads(data, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise CorruptFileError(
                f"{name} is not a record of laconic ({error}): give the JSON file that a run wrote"
            ) from error
        complaint = _complaint(values)
        if isinstance(values, dict) and _is_newer(values):
            raise FormatVersionError(
                f"{name} is a record of schema {values['schema']}, but this laconic reads up to {SCHEMA}: install a newer one"
            )
        if complaint:
            raise CorruptFileError(f"{name} is not a record of laconic ({complaint}): give the JSON file that a run wrote")
        return cls(**values)


_TYPES: dict[str, tuple[type, ...]] = {
    "schema": (int,),
    "kind": (str,),
    "name": (str,),
    "created": (str,),
    "command": (list,),
    "commit": (str, type(None)),
    "seed": (int, type(None)),
    "versions": (dict,),
    "hardware": (dict,),
    "config": (dict,),
    "results": (dict,),
    "cost": (dict,),
    "not_finite": (dict,),
}


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"it holds {constant}, which is not JSON")


def _is_newer(values: Plain) -> bool:
    """Whether it is a record of a newer schema, and not another JSON file that also has a `schema`."""
    schema = values.get("schema")
    numbered = isinstance(schema, int) and not isinstance(schema, bool) and schema > SCHEMA
    return numbered and {"kind", "created", "results"} <= set(values)


def _complaint(values: object) -> str | None:
    """What keeps parsed JSON from being a record of this schema, or None."""
    if not isinstance(values, dict):
        return "it is not a JSON object"
    for name, types in _TYPES.items():
        if name not in values:
            return f"the field {name!r} is missing"
        if not isinstance(values[name], types) or isinstance(values[name], bool):
            return f"the field {name!r} is a {type(values[name]).__name__}"
    unknown = sorted(set(values) - set(_TYPES))
    if unknown:
        return f"the field {unknown[0]!r} is unknown"
    if values["schema"] != SCHEMA:
        return f"the schema {values['schema']} is unknown"
    if not all(isinstance(word, str) for word in (*values["command"], *values["versions"].values())):
        return "command and versions must hold strings"
    if not all(isinstance(word, str) and word in NOT_FINITE for word in values["not_finite"].values()):
        return "not_finite must hold nan, inf or -inf"
    return None
