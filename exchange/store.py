"""Where the files of listings live: a local folder by default, any S3-compatible store by ``MINHBACH_STORE_URL``.

A key is ``assets/<id>``, never a name that somebody typed. ``put_file`` is atomic: one sees the whole file or none.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import obstore
from flask import current_app
from obstore.store import LocalStore, from_url

CHUNK = 1024 * 1024  # bytes read or sent at a time


class Store:
    """Files under keys."""

    def __init__(self, url: str) -> None:
        self._root: Path | None = None
        self._store: Any
        if url.startswith("file:"):
            self._root = Path(unquote(urlsplit(url).path))
            self._store = LocalStore(prefix=self._root, mkdir=True)
        else:
            self._store = from_url(url)

    def put_file(self, path: Path, key: str) -> None:
        """Copy the file at ``path`` in under ``key``, in parts, without reading it whole."""
        obstore.put(self._store, key, path, max_concurrency=2)

    def open_range(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes ``start`` up to but without ``end``, chunk by chunk; FileNotFoundError for an unknown key."""
        options = {"range": (start, end)} if end > start else {}
        result = obstore.get(self._store, key, options=cast(Any, options))
        return (bytes(chunk) for chunk in result.stream(min_chunk_size=CHUNK)) if end > start else iter(())

    def size(self, key: str) -> int:
        """Bytes under ``key``; FileNotFoundError when there is none."""
        return int(obstore.head(self._store, key)["size"])

    def delete(self, key: str) -> None:
        """Remove ``key``; removing what is not there is no error."""
        try:
            obstore.delete(self._store, key)
        except FileNotFoundError:
            return

    def keys(self, prefix: str | None = None) -> list[str]:
        """Every key, sorted: for the check that no file is without its row."""
        return sorted(str(item["path"]) for batch in obstore.list(self._store, prefix) for item in batch)

    @contextmanager
    def local_path(self, key: str) -> Iterator[Path]:
        """The file as a path that DuckDB can open: its own place when the store is a folder, else a temporary copy."""
        if self._root is not None:
            path = self._root / key
            if not path.is_file():
                raise FileNotFoundError(key)
            yield path
            return
        with tempfile.NamedTemporaryFile(prefix="minhbach-", suffix=".data") as copy:
            for chunk in obstore.get(self._store, key).stream(min_chunk_size=CHUNK):
                copy.write(bytes(chunk))
            copy.flush()
            yield Path(copy.name)


def the_store() -> Store:
    """The running application's store."""
    return cast(Store, current_app.extensions["minhbach.store"])
