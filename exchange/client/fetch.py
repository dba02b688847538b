"""Fetching a file of a contract: goes on where a broken download stopped, keeps only what has the signed digest."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from contracts import canonical
from exchange.client.connection import PIECE, Connection, ServerRefused
from exchange.client.words import ClientError


@dataclass(frozen=True)
class Wanted:
    """A file as the signed contract names it; ``bytes`` is what the exchange says of its size."""

    address: str
    name: str
    digest: str
    bytes: int


def fetch(connection: Connection, wanted: Wanted, folder: Path, advance: Callable[[int], object]) -> Path:
    """The finished file in ``folder``. Until it is whole and right it has another name."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / plain_name(wanted.name)
    if target.exists():
        if digest_of(target) != wanted.digest:
            raise ClientError("FILE_EXISTS", path=target)
        advance(wanted.bytes)
        return target
    part = folder / f".{wanted.digest.removeprefix('sha-256:')[:16]}.part"
    _receive(connection, wanted, part, advance)
    got = digest_of(part)
    if got != wanted.digest:
        part.unlink()
        raise ClientError("DIGEST_DIFFERS", name=wanted.name, got=got, wanted=wanted.digest)
    os.replace(part, target)
    return target


def _receive(connection: Connection, wanted: Wanted, part: Path, advance: Callable[[int], object]) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have > wanted.bytes:
        part.unlink()
        have = 0
    if have == wanted.bytes:
        return
    headers = {}
    if have:
        etag = etag_of(wanted.digest)
        headers = {"Range": f"bytes={have}-", "If-Range": f'"{etag}"'}
    try:
        answer = connection.open("GET", wanted.address, headers=headers)
    except ServerRefused as refused:
        if refused.status != 416:
            raise
        part.unlink()
        answer = connection.open("GET", wanted.address)
    with answer:
        goes_on = answer.status == 206 and (answer.headers["Content-Range"] or "").startswith(f"bytes {have}-")
        advance(have if goes_on else 0)
        with part.open("ab" if goes_on else "wb") as file:
            _copy(answer, file.write, advance)
    size = part.stat().st_size
    if size < wanted.bytes:
        raise ClientError("DOWNLOAD_BROKEN", at=size, size=wanted.bytes)


def _copy(answer: HTTPResponse, write: Callable[[bytes], object], advance: Callable[[int], object]) -> None:
    """Until the end, or until the connection breaks: what came is kept."""
    while True:
        try:
            piece = answer.read1(PIECE)
        except (OSError, HTTPException):
            return
        if not piece:
            return
        write(piece)
        advance(len(piece))


def digest_of(path: Path) -> str:
    """``sha-256:<base64url>``, as contracts write it."""
    with path.open("rb") as file:
        return "sha-256:" + canonical.b64url(hashlib.file_digest(file, "sha256").digest())


def etag_of(digest: str) -> str:
    """The exchange's ETag of a file: its digest in hexadecimal."""
    from contracts.keys import decode

    return decode(digest.removeprefix("sha-256:"), "digest").hex()


def plain_name(name: str) -> str:
    """The last part of a name, without anything that could lead elsewhere or hide the file."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(sign for sign in last if sign.isprintable() and sign not in '<>:"|?*')
    return kept.strip(" .")[:150] or "data"
