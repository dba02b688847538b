"""An uploaded file's way, the same for pages and API: received, read, stored, attached; or nothing of it stays."""

from typing import IO, cast

from flask import current_app, request

from exchange import clock, identity
from exchange.catalogue import service
from exchange.catalogue.models import Asset
from exchange.catalogue.profile import profile
from exchange.catalogue.upload import Received, check_declared, received
from exchange.config import Config
from exchange.db import new_id
from exchange.errors import N_, refuse
from exchange.store import the_store


def take(listing_id: str, stream: IO[bytes] | None, name: str) -> Asset:
    """Make what ``stream`` holds the file of this draft.

    No database connection is held while bytes arrive or are read. The store gets the file first, then the row is
    committed; when that fails the stored file is removed again, so neither exists without the other.
    """
    config = cast(Config, current_app.extensions["minhbach.config"])
    session, actor = identity.db_session(), identity.the_actor()
    service.own(session, actor, listing_id)
    identity.release()
    if stream is None:
        raise refuse("FILE_MISSING", N_("Choose a file to upload."), field="file",
                     passes=N_("A CSV, Parquet or JSON Lines file that a machine can read."))  # fmt: skip
    if not request.mimetype.startswith("multipart/"):
        check_declared(request.content_length, config.max_upload_bytes)
    with received(stream, config.home / "incoming", config.max_upload_bytes) as file:
        return _keep(listing_id, file, name)


def _keep(listing_id: str, file: Received, name: str) -> Asset:
    measured = profile(file.path)
    store, key = the_store(), f"assets/{new_id()}"
    store.put_file(file.path, key)
    try:
        session = identity.db_session()
        attached = service.attach_file(
            session, identity.the_actor(), listing_id, file_name=name, file_key=key, size=file.bytes,
            sha256=file.sha256, profile=measured, now=clock.now(),
        )  # fmt: skip
        session.commit()
    except BaseException:
        store.delete(key)
        raise
    for stale in attached.stale_keys:
        store.delete(stale)
    return attached.asset
