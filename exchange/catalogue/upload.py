"""Receiving a file in constant memory: from the request to a temporary file, hashed on the way."""

import hashlib
import os
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from exchange.errors import N_, Refused, refuse

CHUNK = 1024 * 1024  # bytes


@dataclass(frozen=True)
class Received:
    """A file that arrived whole."""

    path: Path
    bytes: int
    sha256: str  # hexadecimal


def too_large(limit: int) -> Refused:
    """What a sender of more than ``limit`` bytes is told."""
    return refuse(
        "FILE_TOO_LARGE", N_("The file is larger than the exchange accepts."), status=413, field="file",
        passes=N_("At most %(limit)s bytes."), limit=limit,
    )  # fmt: skip


def check_declared(length: int | None, limit: int) -> None:
    """Refuse by the declared length, before a byte is read."""
    if length is not None and length > limit:
        raise too_large(limit)


@contextmanager
def received(stream: IO[bytes], folder: Path, limit: int) -> Iterator[Received]:
    """Write the stream to a temporary file in ``folder``; whatever happens, the file is gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix="incoming-", dir=folder)
    path = Path(name)
    try:
        digest, count = hashlib.sha256(), 0
        with os.fdopen(descriptor, "wb") as file:
            while chunk := stream.read(CHUNK):
                count += len(chunk)
                if count > limit:
                    raise too_large(limit)
                digest.update(chunk)
                file.write(chunk)
        yield Received(path, count, digest.hexdigest())
    finally:
        path.unlink(missing_ok=True)


def clean_name(given: str) -> str:
    """A file's name for people: no folders, no control or direction-changing signs, at most 200 characters."""
    last = unicodedata.normalize("NFC", given).replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(sign for sign in last if unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    kept = kept.strip(" .")
    if len(kept) > 200:
        stem, dot, ending = kept.rpartition(".")
        kept = f"{stem[: 199 - len(ending)]}{dot}{ending}" if dot and len(ending) < 10 else kept[:200]
    return kept or "data"
