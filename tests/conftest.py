"""What all tests share: shapes checked at run time, steady Hypothesis profiles, and the way to the data."""

import inspect
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import pytest
import tests.checking  # noqa: F401
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

ROOT = Path(__file__).resolve().parent.parent

# A shell that runs the suite in the background lets it ignore Ctrl-C, which tests send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _njit_of_the_bare_function(njit: Callable[..., Any]) -> Callable[..., Any]:
    """Let numba compile what was written, not the checks that the import hook wraps around it."""

    def compile_bare(*functions: Any, **options: Any) -> Any:
        if functions and callable(functions[0]):
            return njit(inspect.unwrap(functions[0]), *functions[1:], **options)
        decorate = njit(*functions, **options)
        return lambda function: decorate(inspect.unwrap(function))

    return compile_bare


numba.njit = _njit_of_the_bare_function(numba.njit)
install_import_hook("laconic", "tests.checking.check")

settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", derandomize=False, deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

_NEARBY = ROOT.parent / "shared" / "data"
if "LACONIC_DATA" not in os.environ and _NEARBY.is_dir():
    os.environ["LACONIC_DATA"] = str(_NEARBY)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data that LACONIC_DATA names; tests that need it skip where it is absent."""
    named = os.environ.get("LACONIC_DATA")
    if not named or not Path(named).is_dir():
        pytest.skip("no data on this machine: set LACONIC_DATA to a folder laid out as docs/data.md says")
    return Path(named)
