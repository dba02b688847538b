"""Files on this side: secrets that only their owner may read, and JSON that people write."""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from exchange.client.words import ClientError

MAX_SMALL = 1_000_000  # bytes of a key, a client file, an offer


@dataclass(frozen=True)
class Credentials:
    """A registered program. ``flow`` machine acts for the organisation, person for whoever consents in a browser."""

    client_id: str
    client_secret: str | None = field(repr=False)
    flow: str = "machine"


def read_credentials(path: Path) -> Credentials:
    """The program in a client file that nobody else can read."""
    try:
        held = json.loads(read_private(path))
        found = Credentials(held["client_id"], held.get("client_secret"), held.get("flow", "machine"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ClientError("CLIENT_FILE", path=path) from None
    texts = [found.client_id] + ([found.client_secret] if found.client_secret is not None else [])
    complete = found.flow == "person" or found.client_secret
    if not all(isinstance(text, str) and text for text in texts) or found.flow not in ("machine", "person"):
        raise ClientError("CLIENT_FILE", path=path)
    if not complete:
        raise ClientError("CLIENT_FILE", path=path)
    return found


def read_private(path: Path) -> bytes:
    """A secret file's bytes; refused when its group or anybody else could read it too."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise ClientError("FILE_OPEN_TO_OTHERS", path=path)
            return file.read(MAX_SMALL)
    except OSError as error:
        raise ClientError("FILE_UNREADABLE", path=path, reason=error.strerror or error) from None


def write_private(path: Path, data: bytes) -> None:
    """A new file that only its owner can read; an existing one is never touched."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ClientError("FILE_EXISTS", path=path) from None
    except OSError as error:
        raise ClientError("FILE_UNREADABLE", path=path, reason=error.strerror or error) from None
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), 0o600)  # whatever the umask says
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file, or make it, for its owner alone and in one durable step.

    A crash leaves the old content or the new one, and at most a file of another name beside it. Of two processes that
    do it at once, one's data stand.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                os.replace(file.name, path)
            except OSError:
                os.unlink(file.name)
                raise
    except OSError as error:
        raise ClientError("FILE_UNREADABLE", path=path, reason=error.strerror or error) from None


def keep_evidence(beside: Path, of: str, shown: Mapping[str, str]) -> str:
    """What shows that a promise was broken, in a file of its own beside a state, once for each ``of``; where it is.

    An alarm must not be lost because the disk is full: then it says that, in place of raising.
    """
    path = beside.with_name(f"{beside.name}.fork-{sha256(of.encode()).hexdigest()[:12]}.json")
    try:
        if not path.exists():
            replace_file(path, (json.dumps(shown, ensure_ascii=False, indent=1) + "\n").encode())
    except ClientError as error:
        return f"{path} ({error.facts['reason']})"
    return str(path)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object that a person wrote."""
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(MAX_SMALL))
    except OSError as error:
        raise ClientError("FILE_UNREADABLE", path=path, reason=error.strerror or error) from None
    except ValueError as error:
        raise ClientError("JSON_FILE", path=path, reason=error) from None
    if not isinstance(value, dict):
        raise ClientError("JSON_FILE", path=path, reason=type(value).__name__)
    return value
