"""For all tests: what spares every process the same work over and over, and the published vectors.

The vectors live in a folder `shared` beside the project.
"""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.spared import spare_the_work

spare_the_work()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Importing leaves a million objects that stay: nobody looks among them for garbage, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)  # an application alone is 20,000 objects, and lives for the whole test
        gc.enable()


def pytest_sessionfinish() -> None:
    """The interpreter clears all away at its end, or extension modules call it a leak."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def vectors() -> Path:
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "specdata" / "tlog"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail("the published test vectors (shared/specdata/tlog) are missing")
        pytest.skip("the published test vectors (shared/specdata/tlog) are not beside this project")
    return folder
