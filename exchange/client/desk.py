"""What every client command shares: options, the reader's language, and errors told so that they help."""

import functools
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from exchange.client.words import LANGUAGES, ClientError, say

if TYPE_CHECKING:
    from exchange.client.connection import Connection


@dataclass(frozen=True)
class Desk:
    """Where the person sits: their language, their exchange, their client file."""

    lang: str
    server: str | None = None
    client: Path | None = None
    connections: list["Connection"] = field(default_factory=list)  # those that this command has used

    def connection(self, scope: str) -> "Connection":
        """The exchange, to be asked with one scope."""
        from exchange.client.connection import Connection
        from exchange.client.files import read_credentials

        if not self.server:
            raise ClientError("SERVER_MISSING")
        if not self.client:
            raise ClientError("CLIENT_MISSING")
        self.connections.append(Connection(self.server, read_credentials(self.client), scope, self.lang))
        return self.connections[-1]

    def say(self, code: str, **facts: object) -> str:
        """A sentence in the reader's language."""
        return clean(say(code, self.lang, facts))

    def tell(self, code: str, **facts: object) -> None:
        """Print it."""
        click.echo(self.say(code, **facts))


def address(*parts: str) -> str:
    """A path of the JSON API; what stands in a part leads to no other path."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


def clean(text: str) -> str:
    """Text from elsewhere, without signs that command a terminal or turn the direction of writing."""
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf") else "\ufffd" for c in text)


def language_of(environ: Mapping[str, str]) -> str:
    """The reader's language by the usual variables; Vietnamese unless they say English."""
    chosen = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    return "en" if chosen.lower().startswith("en") else "vi"


def offline(command: Callable[..., None]) -> Callable[..., None]:
    """A command that asks nobody: ``--lang``, and errors in that language; exit 1 when something does not hold."""

    @click.option("--lang", type=click.Choice(LANGUAGES), help="Language; by default from LANG, Vietnamese otherwise.")
    @functools.wraps(command)
    def told(lang: str | None, **given: Any) -> None:
        desk = Desk(lang or language_of(os.environ))
        with telling(desk):
            command(desk, **given)

    return told


def online(command: Callable[..., None]) -> Callable[..., None]:
    """A command that asks an exchange: ``--server`` and ``--client`` too; at its end the log's head is compared."""

    @click.option("--server", envvar="MINHBACH_SERVER", help="Address of the exchange [MINHBACH_SERVER].")
    @click.option(
        "--client", envvar="MINHBACH_CLIENT", type=click.Path(path_type=Path),
        help="JSON file with client_id and client_secret, mode 0600 [MINHBACH_CLIENT].",
    )  # fmt: skip
    @offline
    @functools.wraps(command)
    def told(desk: Desk, server: str | None, client: Path | None, **given: Any) -> None:
        from exchange.client.gossip import compared

        own = Desk(desk.lang, server, client)
        with compared(own), telling(own):
            command(own, **given)

    return told


@contextmanager
def telling(desk: Desk) -> Iterator[None]:
    """Errors as sentences on standard error, and exit code 1."""
    from contracts import words
    from contracts.errors import ContractsError
    from exchange.client.connection import ServerRefused

    try:
        yield
    except ServerRefused as refused:
        tell_refusal(desk, refused.body)
        raise SystemExit(1) from None
    except ClientError as error:
        click.echo(desk.say(error.code, **error.facts), err=True)
        raise SystemExit(1) from None
    except ContractsError as error:
        click.echo(f"{clean(words.say(error.code, error.facts, desk.lang))} [{error.code}]", err=True)
        raise SystemExit(1) from None


def tell_refusal(desk: Desk, body: Mapping[str, Any]) -> None:
    """Every refusal with its field, code, legal basis, the value refused and what would pass."""
    lines = body.get("errors") or [{"code": body.get("code"), "message": body.get("message")}]
    for line in lines:
        where = f"{line['field']}: " if line.get("field") else ""
        click.echo(clean(f"✗ {where}{line.get('message') or ''} [{line.get('code')}]"), err=True)
        for name in ("basis", "value", "passes"):
            if line.get(name):
                click.echo(clean(f"    {desk.say('LABEL_' + name.upper())}: {line[name]}"), err=True)
    if body.get("request_id"):
        click.echo(clean(f"{desk.say('LABEL_REQUEST')}: {body['request_id']}"), err=True)
