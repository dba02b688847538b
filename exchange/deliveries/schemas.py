"""What the JSON API says of files and deliveries."""

from marshmallow import Schema, fields


class FileView(Schema):
    """A file that a contract names."""

    id = fields.String()
    name = fields.String(attribute="file_name")
    format = fields.String()
    bytes = fields.Integer()
    rows = fields.Integer()
    digest = fields.String()


class DeliveryView(Schema):
    """One answer to one request for a file."""

    id = fields.String()
    asset_id = fields.String()
    grant_id = fields.String()
    org_id = fields.String()
    status = fields.String()
    code = fields.String()
    first_byte = fields.Integer()
    end_byte = fields.Integer()
    bytes_sent = fields.Integer()
    complete = fields.Boolean()
    at = fields.AwareDateTime(format="iso")
    ended_at = fields.AwareDateTime(format="iso")
    event_id = fields.String()


class ShelfView(Schema):
    """A contract's files and what was fetched of them."""

    files = fields.List(fields.Nested(FileView))
    deliveries = fields.List(fields.Nested(DeliveryView))
    made = fields.Integer()
    limit = fields.Integer(attribute="limit")
    allowed = fields.Function(lambda shelf: shelf.refusal is None and shelf.is_buyer)
    refused_code = fields.Function(lambda shelf: shelf.refusal.code if shelf.refusal else None)


class GrantView(Schema):
    """A link; its token is told once."""

    id = fields.String()
    url = fields.String()
    expires_at = fields.AwareDateTime(format="iso")
    digest = fields.String()
    bytes = fields.Integer()
