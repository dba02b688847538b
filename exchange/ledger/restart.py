"""A new name for the log, when the old one can no longer be kept: its key was stolen, or records that were promised are
lost for good with a restored backup.

Nobody can continue the old log honestly then, so it ends; but its records are still the exchange's history, and
contracts rest on them. The new log therefore begins with the very records of the old one and goes on with
``log.restarted``, which names the old origin and the largest head promised under it. Whoever kept that head sees at
once whether it is contained in the new log (a consistency proof) or that something was lost. See docs/decisions/0009.
"""

import base64
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from contracts.log.checkpoint import Checkpoint as Head
from contracts.log.tree import EMPTY_ROOT
from exchange import audit
from exchange.config import Config
from exchange.errors import N_, refuse
from exchange.ledger import service
from exchange.ledger.keyring import Keyring
from exchange.ledger.models import Key, Outbox, State
from exchange.ledger.promises import Promises


def restart(session: Session, config: Config, now: datetime) -> str:
    """Let the log go on under ``config.log_origin`` with a key of its own; the new vkey.

    Raises Refused when the settings name the present log, or there is none. A crash before the caller's commit leaves
    the old log as it was, and a key file that signs nothing.
    """
    state = session.get(State, 1, with_for_update=True)
    if state is None:
        raise refuse("LOG_EMPTY", N_("The log has no record yet: there is nothing to change."), status=409)
    if state.origin == config.log_origin:
        text = N_("The settings still name the present log. Give MINHBACH_LOG_ORIGIN its new name first.")
        raise refuse("LOG_SAME_ORIGIN", text, status=409, value=state.origin)
    last = _last_head(session, config, state.origin)
    vkey = _new_key(session, config, state)
    state.origin = config.log_origin
    session.add(state)
    event_id = audit.record(
        session, "log.restarted", None, on=[f"logkey:{vkey.split('+')[1]}"], now=now,
        details={
            "vkey": vkey, "origin": last.origin, "size": last.size, "root": base64.b64encode(last.root).decode("ascii")
        },
    )  # fmt: skip
    # Before all that waits: those records are in no tree yet, and the sequencer gives them the new name.
    session.exec(update(Outbox).where(col(Outbox.event_id) == event_id).values(id=0))
    return vkey


def _last_head(session: Session, config: Config, origin: str) -> Head:
    """The largest head that the old log has promised anywhere."""
    promised = [Head(origin, 0, EMPTY_ROOT), *Promises(config, origin=origin).heads()]
    newest = service.head(session)
    if newest is not None:
        promised.append(Head(origin, newest.size, newest.root))
    return max(promised, key=lambda head: head.size)


def _new_key(session: Session, config: Config, state: State) -> str:
    for key in session.exec(select(Key).where(col(Key.until).is_(None))):
        key.until = state.size
        session.add(key)
    keyring = Keyring(config.home, config.log_origin)
    if keyring.newest.exists():
        keyring.retire(keyring.open())
    vkey = keyring.open()
    session.add(Key(vkey=vkey, since=state.size + 1))
    return vkey
