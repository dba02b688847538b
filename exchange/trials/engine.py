"""What both doors do around the use cases: keep copies on disk, keep the engine, hold no database while it works."""

import atexit
import threading
from datetime import datetime
from pathlib import Path
from typing import cast

from flask import Flask, current_app

from exchange import clock, identity
from exchange.config import Config
from exchange.db import new_id
from exchange.permissions import Actor
from exchange.store import the_store
from exchange.trials import copying, queries, rooms
from exchange.trials.models import QueryRun, TestRoom
from exchange.trials.queries import Asked
from exchange.trials.rooms import Built, Prepared
from sandbox.runner import Runner

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


def open_room(listing_id: str) -> TestRoom:
    """Judge, make the copy if nobody has, open. A copy that no row names afterwards is removed."""
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    # In production the data are worth a kernel that can lock a process in; elsewhere the receipt tells the tier.
    tier = 1 if cast(Config, current_app.extensions["minhbach.config"]).production else 0
    prepared = rooms.prepare_room(session, actor, listing_id, now, min_isolation_tier=tier)
    identity.release()
    built = _copy(prepared)
    try:
        room = _opened(actor, listing_id, prepared, built, clock.now())
    except BaseException:
        _drop(built)
        raise
    return room


def _opened(actor: Actor, listing_id: str, prepared: Prepared, built: Built | None, now: datetime) -> TestRoom:
    session = identity.db_session()
    room = rooms.open_room(session, actor, listing_id, prepared, built, now)
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
    outcome = the_runner().run_accepted(reserved.policy, copies() / reserved.file_key, reserved.accepted)
    session = identity.db_session()
    run = queries.finish(session, actor, reserved, outcome, clock.now())
    session.commit()
    return run
