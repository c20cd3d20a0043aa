"""Loops that numba compiles, kept on the disk for as long as nothing changes that they are made of.

numba looks at the file of a function alone. Yet what the function calls, and constants from other modules, are compiled
into it: after an upgrade that leaves its file as it was, old code would go on running beside new one, and bytes might no longer
come back. So kept code is marked with the sources of all modules that the function's own imports, directly or not.
"""

import ast
import functools
import hashlib
import logging
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, final

import numba
from numba.core import event as events

F = TypeVar("F", bound=Callable[..., Any])

_PATIENCE = 2.0
"""So many seconds of compiling are not worth a word."""


def kernel(**options: Any) -> Callable[[F], F]:
    """Compile a function without the interpreter's lock; code is kept, or compiled anew where no folder can be written.

    Args:
        options: for `numba.njit`.
    """

    def decorate(function: F) -> F:
        try:
            compiled = numba.njit(cache=True, nogil=True, **options)(function)
        except RuntimeError:
            compiled = numba.njit(nogil=True, **options)(function)
        else:
            _mark(compiled, function.__module__)
        kept: F = compiled
        return kept

    return decorate


def _mark(compiled: Any, module: str) -> None:
    """Let kept code be found only as long as the sources stay as they are; plain functions of a disabled numba have none."""
    cache = getattr(compiled, "_cache", None)
    if cache is not None:
        cache._cache_file._source_stamp = (cache._cache_file._source_stamp, digest_of(module))


@functools.cache
def digest_of(module: str) -> str:
    """What names the sources of a module and of all that it imports from the package it is in."""
    found, waiting = dict[str, bytes](), [module]
    while waiting:
        name = waiting.pop()
        path = _path_of(name)
        if name not in found and path is not None:
            found[name] = path.read_bytes()
            waiting += _imported(found[name], module.partition(".")[0])
    whole = hashlib.blake2b(digest_size=16)
    for name in sorted(found):
        whole.update(hashlib.blake2b(found[name]).digest())
    return whole.hexdigest()


def _path_of(name: str) -> Path | None:
    """The file of a module of a package that is loaded; None for what is no module."""
    package, *parts = name.split(".")
    path = Path(sys.modules[package].__path__[0]).joinpath(*parts)
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _imported(source: bytes, package: str) -> Iterator[str]:
    """Names within the package that a module imports; some are not of modules but of what is in them."""
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}", *(f"{node.module}.{name}" for name in names)]
        yield from (name for name in names if name.partition(".")[0] == package)


@final
class _Notice(events.Listener):
    """Says once in a process, through `logging`, that it compiles: a first use can be silent for half a minute."""

    def __init__(self) -> None:
        self._depth, self._began, self._spent, self._told = 0, 0.0, 0.0, False

    def on_start(self, event: events.Event) -> None:
        """A function begins to be compiled, maybe for one that is being compiled."""
        if self._depth == 0:
            self._began = time.perf_counter()
        self._depth += 1
        if self._spent > _PATIENCE and not self._told:
            self._told = True
            logging.getLogger(__name__).info("compiling loops for this machine, once: up to a minute")

    def on_end(self, event: events.Event) -> None:
        """It ended."""
        self._depth -= 1
        if self._depth == 0:
            self._spent += time.perf_counter() - self._began


events.register("numba:compile", _Notice())  # type: ignore[no-untyped-call]
