"""Files with a secret in them, made once."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def make_once(path: Path, data: bytes) -> None:
    """Put ``data`` into a new file, durably, mode 0600; a file that is there already stays as it is.

    Whole or not at all: of two processes that do it at once, one's data stand, and a crash leaves at most a file of
    another name beside it. A half-written secret would keep the exchange from ever starting again.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
