"""The software behind a run: package versions and the commit of the source, read without importing or changing anything."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "laconic",
    "numpy",
    "numba",
    "safetensors",
    "torch",
    "transformers",
    "accelerate",
    "tokenizers",
    "sentencepiece",
    "datasets",
    "onnxruntime",
)
"""The packages whose versions a record keeps, where they are installed."""

_GIT_SECONDS = 10.0


def read_versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that results can depend on; nothing is imported."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def read_commit(module: Path | None = None) -> str | None:
    """The commit of the checkout that this package runs from, with `-dirty` behind it where tracked files were changed.

    Args:
        module: a source file of the package; this one if None.

    Returns:
        None where there is no git, no checkout, or the package is only installed inside somebody else's.
    """
    module = module or Path(__file__)
    if _git(module, "ls-files", "--error-unmatch", module.name) is None:
        return None
    commit = _git(module, "rev-parse", "--verify", "HEAD")
    # Not `git describe --dirty`, which writes to the index even when asked not to.
    changes = _git(module, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}-dirty" if commit and changes else commit or None


def _git(module: Path, *arguments: str) -> str | None:
    """What a read-only git command prints, or None where it fails."""
    # Variables such as GIT_DIR, set while hooks run, would point to another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        answer = subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=module.parent,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
