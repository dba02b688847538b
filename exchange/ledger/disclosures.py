"""Personal and guessable values beside the log: salted for the leaf (RFC 9901), encrypted under their subject's key.

Each subject ("user:…", "org:…") has one random key, kept wrapped by a key that follows from the server's secret and is
not in the database. Erasing a subject overwrites its key with nothing and deletes its rows; a subject once erased stays
erased, so that what is still under way about it is stored nowhere either.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import bindparam, delete, update
from sqlalchemy.dialects.postgresql import dml as postgresql
from sqlalchemy.dialects.sqlite import dml as sqlite
from sqlmodel import Session, SQLModel, col, select

from contracts.errors import DisclosureError
from contracts.log import disclosure
from contracts.log.leaf import Detail, Leaf
from exchange.errors import ExchangeError
from exchange.ledger.models import Disclosure, SubjectKey

_NONCE = 12  # bytes; random, one for each row
_KEY = 32  # bytes: AES-256-GCM (NIST SP 800-38D)
_ERASED = b""  # what is left of the key of an erased subject
_INSERT = SQLModel.metadata.tables["log_disclosure"].insert().inline()
_KEYS = (
    select(SubjectKey.subject, SubjectKey.key)
    .where(col(SubjectKey.subject).in_(bindparam("subjects", expanding=True)))
    .order_by(SubjectKey.subject)
    .with_for_update(read=True)
)

Private = Mapping[str, Mapping[str, Detail]]  # subject -> name -> value


class SubjectKeyError(ExchangeError):
    """The keys of the log's private values cannot be used: this process has no secret, or it is another one."""


@dataclass(frozen=True)
class Salted:
    """One value on its way into the log: whose it is, and the disclosure's text."""

    subject: str
    text: str

    @property
    def digest(self) -> str:
        """What the leaf holds of it."""
        return disclosure.digest(self.text)


@dataclass(frozen=True)
class Shown:
    """One private value of a record as a page shows it; without its name once nobody can read it any more."""

    name: str = ""
    value: Detail = ""
    gone: str = ""  # "erased", or "unreadable": the server's secret is not the one it was wrapped under


# --- writing ------------------------------------------------------------------------------------------------------


def salt(private: Private) -> list[Salted]:
    """The values in the order in which the leaf holds their digests. An empty text is no value; one longer than a
    disclosure can be is cut, and ends with an ellipsis."""
    texts = [
        Salted(subject, _fitting(name, value))
        for subject, values in private.items()
        for name, value in values.items()
        if value != ""
    ]
    return sorted(texts, key=lambda each: each.digest)


def _fitting(name: str, value: Detail) -> str:
    for _attempt in range(64):
        try:
            return disclosure.make(name, value, os.urandom(disclosure.SALT_BYTES))
        except DisclosureError:
            if not isinstance(value, str):
                raise
            value = value[: len(value) * 4 // 5] + "…"
    raise SubjectKeyError(f"{name} cannot be disclosed")


def write(session: Session, event_id: str, salted: Sequence[Salted]) -> None:
    """Store the disclosures of one event in the caller's transaction; those of an erased subject are let go."""
    if not salted:
        return
    keys = _keys_for_writing(session, sorted({each.subject for each in salted}))
    rows = [
        {
            "event_id": event_id,
            "position": position,
            "subject": each.subject,
            "ciphertext": _seal(keys[each.subject], each.text.encode("ascii"), f"{event_id}.{position}"),
        }
        for position, each in enumerate(salted)
        if each.subject in keys
    ]
    if rows:
        session.connection().execute(_INSERT, rows)


def _keys_for_writing(session: Session, subjects: Sequence[str]) -> dict[str, bytes]:
    """Their keys, made on first use; none for the erased. Held until commit: an erasure waits for us, or we for it and
    then see that it was done. By the connection: the caller's rows may be whole only with the event's id, so nothing is
    flushed here."""
    connection, names = session.connection(), {"subjects": subjects}
    wrapped = dict(connection.execute(_KEYS, names).all())
    if missing := [subject for subject in subjects if subject not in wrapped]:
        for subject in missing:
            key = _seal(_wrapping_key(session), os.urandom(_KEY), subject)
            connection.execute(_insert(session, subject, key).on_conflict_do_nothing())
        wrapped = dict(connection.execute(_KEYS, names).all())  # of two that make one at once, the first one's
    wrapping = _wrapping_key(session)
    return {subject: _open(wrapping, key, subject) for subject, key in wrapped.items() if key != _ERASED}


# --- reading ------------------------------------------------------------------------------------------------------


def read(session: Session, leaves: Iterable[Leaf]) -> dict[str, list[Shown]]:
    """The private values of these records by event id, in the order of their names, those that are gone last.

    Whoever calls has checked that the reader may see them: as much as the records themselves, and see ``readable``.
    """
    salted = {leaf.id: leaf for leaf in leaves if leaf.sd}
    texts = {(event_id, n): text for event_id, n, text in _texts(session, list(salted))}
    return {
        event_id: sorted(
            (_show(texts, leaf, position) for position in range(len(leaf.sd))), key=lambda each: (each.gone, each.name)
        )
        for event_id, leaf in salted.items()
    }


def readable(leaves: Iterable[Leaf], org_id: str) -> list[Leaf]:
    """Those whose private values a member may read: of what its own people and programs did, and of nothing else."""
    return [leaf for leaf in leaves if leaf.actor == f"org:{org_id}"]


def disclosures_of(session: Session, event_ids: Sequence[str]) -> list[tuple[str, int, str]]:
    """Event id, place in the leaf's ``_sd`` and text of every disclosure of these events that can still be read."""
    return [(event_id, position, text) for event_id, position, text in _texts(session, event_ids) if text]


def _texts(session: Session, event_ids: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    """Every stored disclosure with its text; empty where the key is another one."""
    query = select(Disclosure, SubjectKey.key).where(
        col(Disclosure.subject) == col(SubjectKey.subject), col(Disclosure.event_id).in_(event_ids)
    )
    for row, wrapped in session.exec(query.order_by(Disclosure.event_id, col(Disclosure.position))):
        try:
            key = _open(_wrapping_key(session), wrapped, row.subject)
            yield row.event_id, row.position, _open(key, row.ciphertext, f"{row.event_id}.{row.position}").decode()
        except SubjectKeyError:
            yield row.event_id, row.position, ""


def _show(texts: Mapping[tuple[str, int], str], leaf: Leaf, position: int) -> Shown:
    text = texts.get((leaf.id, position))
    if text is None:
        return Shown(gone="erased")
    try:
        found = disclosure.check(text, leaf.sd[position : position + 1])
    except DisclosureError:
        return Shown(gone="unreadable")
    return Shown(found.name, found.value)


# --- erasing ------------------------------------------------------------------------------------------------------


def places_of(session: Session, subject: str) -> list[str]:
    """Where the subject's disclosures belong, as ``<event id>.<place in _sd>``."""
    query = select(Disclosure.event_id, Disclosure.position).where(Disclosure.subject == subject)
    return [
        f"{event_id}.{n}" for event_id, n in session.exec(query.order_by(Disclosure.event_id, col(Disclosure.position)))
    ]


def erase(session: Session, subject: str) -> list[str]:
    """Destroy the subject's key and disclosures for good; returns where they belonged.

    Whoever is writing about the subject at this moment is waited for, and their disclosures are among those deleted.
    """
    none_left = _insert(session, subject, _ERASED)
    session.exec(none_left.on_conflict_do_update(index_elements=["subject"], set_={"key": _ERASED}))
    places = places_of(session, subject)
    session.exec(delete(Disclosure).where(col(Disclosure.subject) == subject))
    return places


def rewrap(session: Session, old_secret: str) -> int:
    """Wrap every key anew after the server's secret was replaced; returns how many. Nothing else needs to change."""
    old, count = _derive(old_secret), 0
    for row in session.exec(select(SubjectKey).where(col(SubjectKey.key) != _ERASED).with_for_update()).all():
        key = _seal(_wrapping_key(session), _open(old, row.key, row.subject), row.subject)
        session.exec(update(SubjectKey).where(col(SubjectKey.subject) == row.subject).values(key=key))
        count += 1
    return count


# --- keys ---------------------------------------------------------------------------------------------------------


def wrap(session: Session, secret: bytes, about: str) -> bytes:
    """Another noun's secret as it may lie in the database: under the same wrapping key, bound to ``about``."""
    return _seal(_wrapping_key(session), secret, about)


def unwrap(session: Session, wrapped: bytes, about: str, *, old_secret: str | None = None) -> bytes:
    """The secret again; ``old_secret`` is the server's before it was replaced. Raises SubjectKeyError."""
    return _open(_wrapping_key(session) if old_secret is None else _derive(old_secret), wrapped, about)


def _insert(session: Session, subject: str, key: bytes) -> sqlite.Insert | postgresql.Insert:
    row = {"subject": subject, "key": key}
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(SubjectKey).values(**row)
    return sqlite.insert(SubjectKey).values(**row)


def _wrapping_key(session: Session) -> bytes:
    kept = session.info["kept"]
    if "wrapping key" not in kept:
        kept["wrapping key"] = _derive(session.info["secret"])
    key: bytes = kept["wrapping key"]
    return key


def _derive(secret: str) -> bytes:
    """The wrapping key of a secret (HKDF-SHA-256, RFC 5869); the same secret signs cookies, under other words."""
    if not secret:
        raise SubjectKeyError("this database was opened without the server's secret")
    return HKDF(SHA256(), _KEY, salt=None, info=b"minhbach subject keys 1").derive(secret.encode())


def _seal(key: bytes, data: bytes, about: str) -> bytes:
    """AES-256-GCM under a random nonce; ``about`` is authenticated, so that no row can stand in for another."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, data, about.encode())


def _open(key: bytes, data: bytes, about: str) -> bytes:
    try:
        return AESGCM(key).decrypt(data[:_NONCE], data[_NONCE:], about.encode())
    except (InvalidTag, ValueError):
        raise SubjectKeyError(f"what is kept about {about} was encrypted under another secret") from None
