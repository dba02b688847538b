"""Published test vectors live in a folder `shared` beside the project."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def vectors() -> Path:
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "specdata" / "tlog"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail("the published test vectors (shared/specdata/tlog) are missing")
        pytest.skip("the published test vectors (shared/specdata/tlog) are not beside this project")
    return folder
