"""The catalogue for programs: search and read without a token; publish with scope catalogue, decide with moderate."""

from typing import Any, cast

from flask import current_app, request
from flask.views import MethodView
from marshmallow import EXCLUDE, Schema, fields

from exchange import clock, identity
from exchange.accounts.schemas import storable
from exchange.bodies import Blueprint
from exchange.catalogue import incoming, moderation, quality, search, service
from exchange.catalogue.models import Asset, Listing, ListingVersion
from exchange.catalogue.schemas import DraftSchema, SearchSchema
from exchange.catalogue.upload import check_declared
from exchange.config import Config
from exchange.permissions import Permission, needs, public

blueprint = Blueprint(
    "catalogue_api", __name__, url_prefix="/api/v1/listings", description="Listings: find, read, publish, moderate"
)


class DecisionSchema(Schema):
    """The operator's decision."""

    class Meta:
        unknown = EXCLUDE

    personal_data_checked = fields.Boolean(load_default=False)
    reason = fields.String(load_default="", validate=storable)


@blueprint.url_value_preprocessor
def allow_large_files(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """The file's door takes more than a form; nothing is parsed before its view has checked the actor."""
    if endpoint == "catalogue_api.File":
        limit = cast(Config, current_app.extensions["minhbach.config"]).max_upload_bytes
        check_declared(request.content_length, limit)
        request.max_content_length = limit


def file_json(asset: Asset, version: ListingVersion | None = None) -> dict[str, Any]:
    """A file's measured facts: all of them for its seller, those of a published version for everybody."""
    columns = service.public_columns(asset, version) if version else asset.columns
    return {
        "name": asset.file_name, "format": asset.format, "bytes": asset.bytes, "sha256": asset.sha256,
        "rows": asset.rows, "columns": columns, "duplicate_rows": asset.duplicate_rows,
    }  # fmt: skip


def version_json(listing: Listing, version: ListingVersion, asset: Asset) -> dict[str, Any]:
    """A version with its file, badges and digest."""
    badges = {badge.code: badge.score for badge in quality.badges(asset, version, clock.now())}
    return {
        "id": listing.id, "org": listing.org_id, "state": str(listing.state), "version": version.number,
        **service.values_of(version),
        "digest": version.digest, "submitted_at": version.submitted_at.isoformat(), "file": file_json(asset, version),
        "badges": badges,
    }  # fmt: skip


def draft_json(listing: Listing, asset: Asset | None) -> dict[str, Any]:
    """The seller's own view: state and working draft."""
    return {
        "id": listing.id, "state": str(listing.state), "current_version": listing.current_version,
        "pending_version": listing.pending_version, "draft": listing.draft,
        "file": file_json(asset) if asset else None,
    }  # fmt: skip


@blueprint.route("")
class Listings(MethodView):
    """The catalogue."""

    @public
    @blueprint.arguments(SearchSchema, location="query")
    @blueprint.response(200)
    def get(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Search published listings. Words match without diacritics, whole or by their beginning.

        The answer names the order it is in: more than 1,000 results cannot be ordered by name.
        """
        query = search.Query(words=asked["q"][:200], **{k: v for k, v in asked.items() if k != "q"})
        found = search.find(identity.db_session(), query)
        return {
            "total": found.total, "page": found.page, "pages": found.pages, "sort": found.sort, "facets": found.facets,
            "listings": [version_json(hit.listing, hit.version, hit.asset) for hit in found.hits],
        }  # fmt: skip

    @needs(Permission.PUBLISH)
    @blueprint.arguments(DraftSchema)
    @blueprint.response(201)
    def post(self, values: dict[str, Any]) -> dict[str, Any]:
        """Start a draft; any field may be missing."""
        session = identity.db_session()
        listing = service.start_draft(session, identity.the_actor(), values, clock.now())
        session.commit()
        return draft_json(listing, None)


@blueprint.route("/mine")
class Mine(MethodView):
    """The actor's own listings."""

    @needs(Permission.PUBLISH)
    @blueprint.response(200)
    def get(self) -> dict[str, Any]:
        """Every listing of my organisation, in every state."""
        session, actor = identity.db_session(), identity.the_actor()
        found = service.mine(session, actor)
        return {"listings": [draft_json(listing, service.draft_asset(session, listing)) for listing in found]}


@blueprint.route("/<listing_id>")
class One(MethodView):
    """One listing."""

    @public
    @blueprint.response(200)
    def get(self, listing_id: str) -> dict[str, Any]:
        """The published version."""
        shown = service.for_reader(identity.db_session(), identity.actor(), listing_id)
        return version_json(shown.listing, shown.version, shown.asset)

    @needs(Permission.PUBLISH)
    @blueprint.arguments(DraftSchema)
    @blueprint.response(200)
    def patch(self, values: dict[str, Any], listing_id: str) -> dict[str, Any]:
        """Change fields of the draft; null empties one."""
        session = identity.db_session()
        listing = service.save_draft(session, identity.the_actor(), listing_id, values, clock.now())
        session.commit()
        return draft_json(listing, service.draft_asset(session, listing))


@blueprint.route("/<listing_id>/draft")
class Draft(MethodView):
    """The seller's working draft."""

    @needs(Permission.PUBLISH)
    @blueprint.response(200)
    def get(self, listing_id: str) -> dict[str, Any]:
        """The draft of one of my listings."""
        session = identity.db_session()
        listing = service.own(session, identity.the_actor(), listing_id)
        return draft_json(listing, service.draft_asset(session, listing))


@blueprint.route("/<listing_id>/file")
class File(MethodView):
    """The draft's file."""

    @needs(Permission.PUBLISH)
    @blueprint.response(200)
    def put(self, listing_id: str) -> dict[str, Any]:
        """The file as the request's body, its name as ?name=; answers what reading it measured."""
        asset = incoming.take(listing_id, request.stream, request.args.get("name", ""))
        return {**file_json(asset), "personal_hits": asset.personal_hits}


@blueprint.route("/<listing_id>/submit")
class Submit(MethodView):
    """Sending the draft to the operator."""

    @needs(Permission.PUBLISH)
    @blueprint.response(200)
    def post(self, listing_id: str) -> dict[str, Any]:
        """Freeze the draft as a version and queue it; every problem is named."""
        session = identity.db_session()
        version = service.submit(session, identity.the_actor(), listing_id, clock.now())
        session.commit()
        return {"id": listing_id, "version": version.number, "digest": version.digest, "state": "submitted"}


@blueprint.route("/<listing_id>/withdraw")
class Withdraw(MethodView):
    """Taking a listing off the catalogue."""

    @needs(Permission.PUBLISH)
    @blueprint.response(200)
    def post(self, listing_id: str) -> dict[str, Any]:
        """Withdraw a published or submitted listing."""
        session = identity.db_session()
        listing = service.withdraw(session, identity.the_actor(), listing_id, clock.now())
        session.commit()
        return {"id": listing.id, "state": str(listing.state)}


@blueprint.route("/queue")
class Queue(MethodView):
    """What waits for the operator."""

    @needs(Permission.MODERATE)
    @blueprint.response(200)
    def get(self) -> dict[str, Any]:
        """Submissions, oldest first, with the codes of the rules that refuse."""
        waiting = moderation.queue(identity.db_session(), identity.the_actor())
        return {
            "waiting": [
                version_json(item.shown.listing, item.shown.version, item.shown.asset)
                | {"refusals": [r.code for check in item.checks for r in check.refusals]}
                for item in waiting
            ]
        }


@blueprint.route("/<listing_id>/approve")
class Approve(MethodView):
    """The operator's yes."""

    @needs(Permission.MODERATE)
    @blueprint.arguments(DecisionSchema)
    @blueprint.response(200)
    def post(self, decision: dict[str, Any], listing_id: str) -> dict[str, Any]:
        """Publish the waiting version; the reviewer confirms that there is no personal data."""
        session = identity.db_session()
        version = moderation.approve(session, identity.the_actor(), listing_id, now=clock.now(), **decision)
        session.commit()
        return {"id": listing_id, "version": version.number, "state": "published"}


@blueprint.route("/<listing_id>/return")
class Return(MethodView):
    """The operator's not yet."""

    @needs(Permission.MODERATE)
    @blueprint.arguments(DecisionSchema)
    @blueprint.response(200)
    def post(self, decision: dict[str, Any], listing_id: str) -> dict[str, Any]:
        """Return the waiting version to its seller, with a reason."""
        session = identity.db_session()
        version = moderation.send_back(session, identity.the_actor(), listing_id, decision["reason"], clock.now())
        session.commit()
        return {"id": listing_id, "version": version.number, "state": "returned"}
