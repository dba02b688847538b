"""What both doors do around the use cases: keep copies on disk, keep the engine, hold no database while it works."""

import atexit
import threading
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import cast

from flask import Flask, current_app

from exchange import clock, identity
from exchange.config import Config
from exchange.db import Database, new_id
from exchange.permissions import Actor
from exchange.rooms import contract_rooms, copying, leaks, queries, receipts
from exchange.rooms import service as rooms
from exchange.rooms.leaks import Change
from exchange.rooms.models import BudgetEntry, QueryRun, TestRoom
from exchange.rooms.queries import Asked, Reserved
from exchange.rooms.service import Built, Prepared
from exchange.store import the_store
from sandbox.denials import Denied
from sandbox.query import Accepted
from sandbox.runner import Answer, Runner

_making = threading.Lock()


def the_runner() -> Runner:
    """This process's pool of confined workers, made when the first question comes and closed with the process."""
    app: Flask = current_app
    with _making:
        if "minhbach.runner" not in app.extensions:
            runner = Runner(spark_above=cast(Config, app.extensions["minhbach.config"]).spark_above)
            atexit.register(runner.close)
            app.extensions["minhbach.runner"] = runner
        return cast(Runner, app.extensions["minhbach.runner"])


def copies() -> Path:
    """The folder of protected copies."""
    return cast(Config, current_app.extensions["minhbach.config"]).home / "snapshots"


def least_tier() -> int:
    """In production the data are worth a kernel that can lock a process in; elsewhere the receipt tells the tier."""
    return 1 if cast(Config, current_app.extensions["minhbach.config"]).production else 0


def open_room(listing_id: str) -> TestRoom:
    """A room to try a listing's data in."""
    return _open(listing_id, rooms)


def open_contract_room(contract_id: str) -> TestRoom:
    """A room under a contract."""
    return _open(contract_id, contract_rooms)


def _open(ground_id: str, verbs: ModuleType) -> TestRoom:
    """Judge, make the copy if nobody has, open. A copy that no row names afterwards is removed."""
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    prepared: Prepared = verbs.prepare_room(session, actor, ground_id, now, min_isolation_tier=least_tier())
    identity.release()
    built = _copy(prepared)
    try:
        room = _opened(verbs, actor, ground_id, prepared, built, clock.now())
    except BaseException:
        _drop(built)
        raise
    return room


def _opened(
    verbs: ModuleType, actor: Actor, ground_id: str, prepared: Prepared, built: Built | None, now: datetime
) -> TestRoom:
    session = identity.db_session()
    room: TestRoom = verbs.open_room(session, actor, ground_id, prepared, built, now)
    key = rooms.room_of(session, actor, room.id).copy.file_key
    identity.commit_logged()
    if built is not None and built.file_key != key:
        _drop(built)  # somebody else was first
    return room


def _copy(prepared: Prepared) -> Built | None:
    """A new copy, unless the one that stands in the table still lies there with the bytes it had."""
    folder = copies()
    if prepared.copy is not None and copying.digest(folder / prepared.copy.file_key) == prepared.copy.sha256:
        return None
    key = f"{new_id()}.parquet"
    with the_store().local_path(prepared.plan.file_key) as source:
        return Built(key, copying.make(prepared.plan, source, folder / key))


def _drop(built: Built | None) -> None:
    if built is not None:
        (copies() / built.file_key).unlink(missing_ok=True)


def ask(room_id: str, asked: Asked) -> QueryRun:
    """One question from reservation to record; between the two transactions only the engine works."""
    actor = identity.the_actor()
    session = identity.db_session()
    reserved = queries.reserve(session, actor, room_id, asked, clock.now())
    if reserved.accepted is None:
        run = queries.run_of(session, actor, room_id, reserved.run_id)
        session.commit()
        return run
    session.commit()
    identity.release()
    outcome = _run(room_id, reserved, reserved.accepted)
    session = identity.db_session()
    run = queries.finish(session, actor, reserved, outcome, clock.now())
    session.commit()
    return run


def close_room(room_id: str) -> TestRoom:
    """Shut a room before its time, and end what still runs in it: here at once, in another process of the server as
    soon as that looks (`_run`)."""
    session = identity.db_session()
    room = rooms.close_room(session, identity.the_actor(), room_id, clock.now())
    session.commit()
    the_runner().stop(room_id)
    return room


def change_account(entry_id: str, wanted: Change) -> BudgetEntry:
    """Stop an account or let it go on. Whoever's question runs in another process ends it there (`_run`)."""
    session, actor = identity.db_session(), identity.the_actor()
    entry = leaks.change(session, actor, entry_id, wanted, clock.now())
    opened = leaks.open_rooms(session, entry) if entry.state != "open" else []
    identity.commit_logged()
    for room_id in opened:
        the_runner().stop(room_id)
    return entry


def _run(room_id: str, reserved: Reserved, accepted: Accepted) -> Answer | Denied:
    """The kill switch's other end: while the engine works, ask now and then whether the answer is still wanted.

    Whoever stops an account or a trial commits in some process; the worker is a child of this one, and only here can it
    be ended.
    """
    database = cast(Database, current_app.extensions["minhbach.database"])
    home = cast(Config, current_app.extensions["minhbach.config"]).home

    def wanted() -> bool:
        with database.reading() as session:
            return not queries.is_stopped(session, reserved, clock.now())

    return the_runner().run_accepted(
        reserved.policy, copies() / reserved.file_key, accepted,
        room=room_id, watch=wanted, mark=receipts.mark_of(home, reserved.policy),
    )  # fmt: skip
