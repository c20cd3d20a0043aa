"""The exceptions that reach a user: each message is a sentence that says what was seen, the rule, the next step.

Everything that laconic raises on purpose for a user derives from `LaconicError`; the command line prints the message and
leaves with `exit_code`. A plain `ValueError` is a caller's mistake in Python, an `AssertionError` is ours.
"""


class LaconicError(Exception):
    """Something went wrong that the user can understand and act on. The command line exits with 1."""

    exit_code = 1


class UsageError(LaconicError):
    """A name, option or argument that laconic does not know. The command line exits with 2."""

    exit_code = 2


class CorruptFileError(LaconicError):
    """Bytes that are not what they claim to be: truncated, altered, or of another kind of file."""


class FormatVersionError(LaconicError):
    """A file written by a newer laconic than this one."""


class ModelMismatchError(LaconicError):
    """A file that needs a model which is not at hand, or another one than was named."""


class MissingExtraError(LaconicError):
    """An optional dependency that is not installed; the message names the extra to install."""


class MissingDataError(LaconicError):
    """A named data set that is not on this machine; the message says how to provide it."""


class OutputError(LaconicError):
    """An output that cannot be written: the path, the disk or the permissions."""


class TrainingError(LaconicError):
    """A training run that cannot go on, such as a loss that is not a number."""


def missing_extra(package: str, extra: str, purpose: str) -> MissingExtraError:
    """The one sentence for an optional package that is not installed.

    Args:
        package: the import that failed, such as `torch`.
        extra: the extra of laconic that brings it, such as `train`.
        purpose: what needed it, as a noun phrase, such as `training a model`.
    """
    return MissingExtraError(
        f"{purpose} needs the package {package!r}, which is not installed: run pip install 'laconic[{extra}]'"
    )
