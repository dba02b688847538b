"""Changing the log's key without changing the log: the old and the new key sign together, then the old one rests.

    rotate   a new key is made; from the next head on both sign every head, so that whoever trusts either can follow
    retire   some weeks later, when every witness and reader knows the new key, the old one signs no more

Both are records in the log. For a key that was stolen this is not the cure: whoever has it can sign, too. Then stop,
publish the last witnessed head, and open a new log under a new origin.
"""

from datetime import datetime

from sqlmodel import Session

from exchange import audit
from exchange.errors import N_, refuse
from exchange.ledger import service
from exchange.ledger.keyring import Keyring
from exchange.ledger.models import Key, State


def key_id(vkey: str) -> str:
    """The short name of a log key: the key id in its vkey (C2SP signed-note)."""
    return vkey.split("+")[1]


def rotate(session: Session, keyring: Keyring, now: datetime) -> str:
    """Make a new key that signs from the next head on, beside the present one; its vkey.

    Raises Refused when two keys sign already. A crash before the caller's commit leaves a key file that signs nothing;
    the next call takes it up.
    """
    present = service.vkeys(session)
    if not present:
        raise refuse("LOG_EMPTY", N_("The log has no record yet: there is nothing to change."), status=409)
    if len(present) > 1:
        text = N_("Two keys sign the log already. Retire the older one first.")
        raise refuse("LOG_KEYS_TWO", text, status=409, value=" ".join(map(key_id, present)))
    if keyring.open() == present[0]:
        keyring.retire(present[0])
    vkey = keyring.open()
    session.add(Key(vkey=vkey, since=_next_size(session)))
    audit.record(session, "key.added", None, on=[f"logkey:{key_id(vkey)}"], now=now, details={"vkey": vkey})
    return vkey


def retire(session: Session, now: datetime) -> str:
    """Let the older of two keys sign no more heads; its vkey. Its file can then be destroyed. Raises Refused when only
    one key signs."""
    signing = [key for key in service.keys(session) if key.until is None]
    if len(signing) < 2:
        text = N_("Only one key signs the log. Make the next one first; both then sign for some weeks.")
        raise refuse("LOG_KEY_LAST", text, status=409, value=" ".join(key_id(key.vkey) for key in signing))
    older = signing[-1]
    older.until = _next_size(session) - 1
    session.add(older)
    audit.record(
        session, "key.revoked", None, on=[f"logkey:{key_id(older.vkey)}"], now=now, details={"vkey": older.vkey}
    )
    return older.vkey


def _next_size(session: Session) -> int:
    """The smallest head that is not yet made: the keys of heads that exist never change."""
    return session.get_one(State, 1, with_for_update=True).size + 1
