"""The corpus `stdlib`: the sources of Python's standard library, present wherever laconic runs.

A fixed list of modules, those of Python 3.11 to 3.13, whose files are split by a hash of their dotted names. What is held
out on one machine is therefore held out on every other, although the text differs a little between versions of Python.
"""

import platform
import sysconfig
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from laconic.errors import MissingDataError
from laconic.text.compressed import sentences
from laconic.text.corpus import Corpus
from laconic.text.splits import ALL, SPLITS, check_split, split_of_name

_NAMES = (
    "__future__ _collections_abc _compat_pickle _compression _markupbase _osx_support _py_abc _pydecimal _pyio _sitebuiltins "
    "_strptime _threading_local _weakrefset abc argparse ast asyncio base64 bdb bisect bz2 cProfile calendar cmd code codecs "
    "codeop collections colorsys compileall concurrent configparser contextlib contextvars copy copyreg csv ctypes curses "
    "dataclasses datetime dbm decimal difflib dis doctest email enum filecmp fileinput fnmatch fractions ftplib functools "
    "genericpath getopt getpass gettext glob graphlib gzip hashlib heapq hmac html http imaplib importlib inspect io "
    "ipaddress json keyword linecache locale logging lzma mailbox mimetypes modulefinder multiprocessing netrc ntpath "
    "nturl2path numbers opcode operator optparse os pathlib pdb pickle pickletools pkgutil platform plistlib poplib "
    "posixpath pprint profile pstats pty py_compile pyclbr pydoc queue quopri random re reprlib rlcompleter runpy sched "
    "secrets selectors shelve shlex shutil signal site smtplib socket socketserver sqlite3 ssl stat statistics string "
    "stringprep struct subprocess symtable sysconfig tabnanny tarfile tempfile textwrap threading timeit tkinter token "
    "tokenize tomllib trace traceback tracemalloc tty turtle types typing unittest urllib uuid venv warnings wave weakref "
    "webbrowser wsgiref xml xmlrpc zipapp zipfile zipimport zoneinfo"
)

MODULES = tuple(_NAMES.split())
"""Modules and packages of the corpus. Left out: tests, demos, IDLE, what was removed by Python 3.13, and the tables of
`encodings`, `pydoc_data` and `lib2to3`, which are hardly text."""

_GREW = ("pathlib", "sysconfig", "zipfile")
"""Modules of Python 3.11 that are packages in 3.13: all their files go to one side, since the same text moved into them."""

_SKIPPED_FOLDERS = {"test", "tests", "idlelib", "turtledemo", "site-packages", "lib2to3", "__pycache__"}


def find_modules(root: Path | None = None) -> dict[str, Path]:
    """The corpus's files on this Python: dotted module name to path, ordered by name; absent modules are passed over.

    Args:
        root: the folder of the standard library; that of this Python if None.
    """
    root = root or Path(sysconfig.get_path("stdlib"))
    found = {}
    for name in MODULES:
        package, module = root / name, root / f"{name}.py"
        files = package.rglob("*.py") if package.is_dir() else [module]
        for file in files:
            relative = file.relative_to(root)
            if file.is_file() and not _SKIPPED_FOLDERS.intersection(relative.parts):
                found[_dotted(relative)] = file
    return dict(sorted(found.items()))


def _dotted(relative: Path) -> str:
    """`pathlib.py` and `pathlib/__init__.py` are one module: Python moves them between versions."""
    parts = relative.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def split_of_module(name: str) -> str:
    """The split of a dotted module name: by the hash of the name, or of the package that the module once was."""
    package = name.partition(".")[0]
    return split_of_name(package if package in _GREW else name)


def open_stdlib(split: str = "train", *, root: Path | None = None) -> Corpus:
    """The standard library as a corpus: one document per source file, in the order of module names.

    Args:
        split: `train` (about 90 % of the modules), `valid`, `test`, or `all`. Nothing shipped is ever trained on `valid` or
            `test`.
        root: the folder of the standard library; that of this Python if None.

    Raises:
        UsageError: no such split.
        MissingDataError: this Python comes without its sources.
    """
    check_split(split, (*SPLITS, ALL), "stdlib")
    files = [path for name, path in find_modules(root).items() if split in (ALL, split_of_module(name))]
    if not files:
        raise MissingDataError(
            "this Python comes without the sources of its standard library: give a file or folder of text instead"
        )
    details = {"source": "python standard library", "python": platform.python_version(), "modules": len(files)}
    return Corpus(name="stdlib", split=split, details=details, read=partial(_read, files))


def _read(files: list[Path]) -> Iterator[bytes]:
    for path in files:
        with sentences(path):
            document = path.read_bytes()
        yield document
