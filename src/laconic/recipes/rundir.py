"""The folder of a run: what is in it, under which names, and how it is read back.

config.json     recipe and full configuration
tokenizer/      a tokenizer folder
log.jsonl       one line for every few steps
checkpoints/    the last and the best, to resume from
model/          the trained model: config.json and safetensors
record.json     the record of the run
inputs.json     digests of files of one's own that a pruning run learns from
"""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from laconic.errors import CorruptFileError, LaconicError, OutputError, TrainingError, UsageError
from laconic.recipes.settings import from_plain, to_plain
from laconic.records.files import open_atomic

CONFIG, TOKENIZER, LOG, MODEL, RECORD = "config.json", "tokenizer", "log.jsonl", "model", "record.json"
INPUTS = "inputs.json"
_CHECKPOINTS = "checkpoints"
_MAX_BYTES = 1 << 20

Config = TypeVar("Config")


def begin_run(out: Path, name: str, config: Any, *, resume: bool) -> None:
    """Make the folder of a run and note what is run there; or, to resume, check that it is the same.

    What a start left that came to no checkpoint is removed: both a plain start and a resumed one then begin at step 0.

    Raises:
        UsageError: the folder holds a run already, or files of somebody else; or to resume: no run, or another one.
        OutputError: the folder cannot be made.
    """
    path = out / CONFIG
    if resume:
        if not path.is_file():
            raise UsageError(f"{out} holds no run to resume: leave out --resume to start one")
        _require_same(read_config(out), name, to_plain(config), path)
        if not has_begun(out):
            _clear(out)
        return
    if path.exists() and not _is_abandoned(out):
        what = "a run already: continue it with --resume, or choose" if is_run(out) else "no run, but a config.json: choose"
        raise UsageError(f"{out} holds {what} another folder with --out")
    if not path.exists() and (strange := _first_file(out)):
        raise UsageError(
            f"{out} holds {strange.name} and no run: choose a new folder with --out, for a run replaces what it finds"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        if path.exists():
            _clear(out)
    except OSError as error:
        raise OutputError(f"cannot make {out}: {error.strerror}; choose a folder that is writable") from error
    _note(out, name, config)


def _require_same(known: Mapping[str, Any], name: str, wanted: Mapping[str, Any], path: Path) -> None:
    if known["recipe"] != name:
        raise UsageError(f"{path.parent} holds a run of {known['recipe']}, not of {name}: choose another folder with --out")
    stored, given = (_flat(settings) for settings in (known["config"], wanted))
    for key in (*stored, *given):
        if stored.get(key) != given.get(key):
            raise UsageError(
                f"{path.parent} holds a run with other settings, {key} is {stored.get(key)!r} and not {given.get(key)!r}: "
                f"resume it with the settings in {path}"
            )


def _flat(settings: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Settings by the names that `--set` has for them."""
    flat = dict[str, Any]()
    for key, value in settings.items():
        flat |= _flat(value, f"{before}{key}.") if isinstance(value, dict) else {before + key: value}
    return flat


def require_same_files(out: Path, files: Mapping[str, Path]) -> None:
    """Note what files a run learns from, by their digests; or see that they are still what was noted.

    Args:
        out: the folder of the run, which has begun.
        files: by the settings that name them.

    Raises:
        UsageError: one has changed.
        CorruptFileError: what was noted cannot be read.
    """
    path = out / INPUTS
    found = {name: _digest(file) for name, file in files.items()}
    if not path.is_file():
        with open_atomic(path, "w") as stream:
            json.dump(found, stream, indent=2)
        return
    try:
        known = dict(json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise CorruptFileError(f"{path} is damaged ({error}): start the run afresh in another folder") from error
    for name, file in files.items():
        if known.get(name) != found[name]:
            raise UsageError(f"{file} has changed since the run in {out} began: start another one in another folder")


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def is_beyond(out: Path, name: str, config: Any, *, growing: Sequence[str]) -> bool:
    """Whether a run that is to be resumed is to go on beyond what it was started for.

    Args:
        out: the folder of the run.
        name: the recipe.
        config: that it is resumed with.
        growing: fields that may have more entries than before, behind those that they had. All others have to be the same.
    """
    known, wanted = read_config(out), to_plain(config)
    if known["recipe"] != name or known["config"].keys() != wanted.keys():
        return False
    pairs = {field: (known["config"][field], value) for field, value in wanted.items() if known["config"][field] != value}
    return bool(pairs) and all(field in growing and old and new[: len(old)] == old for field, (old, new) in pairs.items())


def extend_run(out: Path, name: str, config: Any) -> None:
    """Note that a run goes on beyond what it was started for.

    Its record is removed: it is written anew in the end, from what is there and what comes to it.

    Args:
        out: the folder of the run.
        name: the recipe.
        config: that it goes on with.
    """
    (out / RECORD).unlink(missing_ok=True)
    _note(out, name, config)


def _note(out: Path, name: str, config: Any) -> None:
    with open_atomic(out / CONFIG, "w") as stream:
        json.dump({"recipe": name, "config": to_plain(config)}, stream, indent=2)


def read_done(path: Path) -> dict[str, Any]:
    """What a part of a run noted when it was done.

    Raises:
        CorruptFileError: it cannot be read.
    """
    try:
        done = json.loads(path.read_bytes())
    except ValueError as error:
        raise CorruptFileError(
            f"{path} is damaged ({error}): delete it and resume; its part of the run is done again"
        ) from error
    if not isinstance(done, dict):
        raise CorruptFileError(f"{path} is not what a run notes: delete it and resume; its part of the run is done again")
    return done


def has_begun(out: Path) -> bool:
    """Whether a folder holds something worth keeping of a run or of one of its stages: a checkpoint, a model or a record."""
    if any((out / name).exists() for name in (MODEL, RECORD)):
        return True
    return any(any(out.glob(f"{below}{_CHECKPOINTS}/*.json")) for below in ("", "*/", "*/*/"))


def read_config(out: Path) -> dict[str, Any]:
    """The recipe and configuration of a run, as plain data.

    Raises:
        UsageError: the folder holds no run.
        CorruptFileError: its `config.json` is damaged.
    """
    path = out / CONFIG
    try:
        with path.open("rb") as stream:
            plain = json.loads(stream.read(_MAX_BYTES))
    except OSError as error:
        raise UsageError(f"{out} holds no run: name a folder that laconic train wrote") from error
    except (ValueError, RecursionError) as error:
        raise CorruptFileError(f"{path} is damaged ({error}): start the run afresh") from error
    if not isinstance(plain, dict) or not isinstance(plain.get("recipe"), str) or not isinstance(plain.get("config"), dict):
        raise CorruptFileError(f"{path} is not the configuration of a run: name a folder that laconic train wrote")
    return plain


def load_config(out: Path, kind: type[Config]) -> Config:
    """The configuration of a run.

    Raises:
        UsageError: the folder holds no run.
        CorruptFileError: a run of another kind, or a damaged one.
    """
    return from_plain(kind, read_config(out)["config"], name=str(out / CONFIG))


def read_log(out: Path) -> list[dict[str, Any]]:
    """The lines of a run's log, in order; damaged ones are left out."""
    lines = []
    for line in (out / LOG).read_text(encoding="utf-8").splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            lines.append(value)
    return lines


def held_out_curve(out: Path) -> list[dict[str, float]]:
    """Bits per byte of the evaluations that a run's log holds, each beside the bytes and seconds of training until then."""
    return [
        {"bytes": line["bytes"], "seconds": line["seconds"], "bits_per_byte": line["evaluation"]}
        for line in read_log(out)
        if "evaluation" in line
    ]


def stopped(out: Path, step: int, steps: int, *, stage: str = "") -> TrainingError:
    """The one sentence for a run that was interrupted after `step` of `steps` updates, of a stage where it has several."""
    where = f" of {stage}" if stage else ""
    return TrainingError(f"stopped on request at step {step:,} of {steps:,}{where}: continue with --resume --out {out}")


@contextlib.contextmanager
def interruptible(out: Path) -> Iterator[None]:
    """Between and behind its stages too, a run that is stopped on request says how it goes on."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise TrainingError(f"stopped on request: continue with --resume --out {out}") from error


def is_run(out: Path) -> bool:
    """Whether a folder holds a run, begun or finished."""
    try:
        read_config(out)
    except LaconicError:
        return False
    return True


def _first_file(out: Path) -> Path | None:
    """Something in a folder that nobody would miss who looks into it; hidden files may be left by a start that failed."""
    found = sorted(out.iterdir()) if out.is_dir() else []
    return next((path for path in found if not path.name.startswith(".")), None)


def _is_abandoned(out: Path) -> bool:
    """Whether all there is of a run is its start. A `config.json` that is not ours belongs to somebody else."""
    return is_run(out) and not has_begun(out)


def _clear(out: Path) -> None:
    for name in (TOKENIZER, _CHECKPOINTS):
        shutil.rmtree(out / name, ignore_errors=True)
    for name in (LOG, INPUTS):
        (out / name).unlink(missing_ok=True)
