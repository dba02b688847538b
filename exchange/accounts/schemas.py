"""The fields of account forms and of their JSON, their kinds and lengths; what they mean is checked by rules.py."""

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from exchange.clock import VIETNAM
from exchange.db import is_storable
from exchange.errors import N_

REQUIRED: dict[str, Any] = {
    "required": N_("Fill in this field."),
    "null": N_("Fill in this field."),
    "invalid": N_("This is not text."),
}


def storable(value: str) -> None:
    """Refuse what no database keeps."""
    if not is_storable(value):
        raise ValidationError(N_("This is not text."))


def text(most: int, *, required: bool = True) -> fields.String:
    """A line of at most ``most`` characters."""
    checks: list[Any] = [
        validate.Length(max=most, error=N_("This is too long.")),
        storable,
    ]
    if required:
        checks.insert(0, validate.Length(min=1, error=N_("Fill in this field.")))
    if required:
        return fields.String(required=True, validate=checks, error_messages=REQUIRED)
    return fields.String(load_default="", validate=checks, error_messages=REQUIRED)


def names(*, required: bool = True) -> fields.List:
    """Ticked boxes."""
    inner = fields.String(validate=validate.Length(max=40, error=N_("This is too long.")), error_messages=REQUIRED)
    if required:
        return fields.List(inner, required=True, error_messages=REQUIRED)
    return fields.List(inner, load_default=list, error_messages=REQUIRED)


def level() -> fields.Integer:
    """A level of electronic identification, 0 to 3."""
    wrong = N_("Choose a level from 0 to 3.")
    messages = REQUIRED | {"invalid": wrong}
    return fields.Integer(required=True, validate=validate.Range(0, 3, error=wrong), error_messages=messages)


class Moment(fields.AwareDateTime):
    """A moment as RFC 3339 or as a browser's field sends it, which then means Viet Nam's clocks; empty means none."""

    def __init__(self, **more: Any) -> None:
        wrong = {"invalid": N_("Give a day and a time.")}
        super().__init__(default_timezone=VIETNAM, allow_none=True, error_messages=REQUIRED | wrong, **more)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **more: Any) -> Any:
        """The moment; an empty field is none at all."""
        return None if value == "" else super().deserialize(value, attr, data, **more)


class Form(Schema):
    """A web form: the CSRF token and buttons come along and are not our business here."""

    class Meta:
        """What the browser adds is ignored."""

        unknown = EXCLUDE


class SignInForm(Form):
    """Signing in."""

    email = text(254)
    password = text(1024)


class JoinForm(Form):
    """An organisation and its first owner."""

    name = text(200)
    name_en = text(200, required=False)
    tax_code = text(20)
    stated_level = level()
    stated_payment_account = fields.Boolean(load_default=False)
    full_name = text(120)
    email = text(254)
    password = text(1024)


class AcceptForm(Form):
    """Following an invitation."""

    full_name = text(120)
    password = text(1024)


class PasswordForm(Form):
    """A new password."""

    old_password = text(1024)
    password = text(1024)


class InviteForm(Form):
    """Letting a person in."""

    email = text(254)
    roles = names()


class RolesForm(Form):
    """A member's roles; none at all means that the person leaves."""

    roles = names(required=False)


class IdentityForm(Form):
    """What the operator confirms of an organisation."""

    level = level()
    payment_account = fields.Boolean(load_default=False)


class StandingForm(Form):
    """Active or suspended."""

    standing = text(16)


class KeyForm(Form):
    """A new signing key."""

    proof = text(4096)
    label = text(80)
    grade = text(16)


class KeyJson(Schema):
    """The same as a JSON body, where unknown members are refused."""

    proof = text(4096)
    label = text(80)
    grade = text(16)


class RotationForm(KeyForm):
    """A new signing key in place of an old one."""

    endorsement = text(8192)


class RotationJson(KeyJson):
    """The same as a JSON body."""

    endorsement = text(8192)


class RevocationForm(Form):
    """The end of a signing key: why, and from when on it was out of its owner's hands."""

    reason = text(16)
    since = Moment(load_default=None)


class RevocationJson(Schema):
    """The same as a JSON body; an empty one says that the key is not used any more."""

    reason = fields.String(load_default="unused", validate=validate.Length(max=16), error_messages=REQUIRED)
    since = Moment(load_default=None)


class CertificateForm(Form):
    """A certificate as signing key; ``challenge`` goes with a proof that is a .p7s, which may come as a file."""

    proof = text(131_072, required=False)
    challenge = text(200, required=False)
    label = text(80)


class CertificateJson(Schema):
    """The same as a JSON body; there the .p7s is in base64."""

    proof = text(131_072)
    challenge = text(200, required=False)
    label = text(80)


class RootView(Schema):
    """A root certificate that is trusted."""

    thumbprint = fields.String()
    grade = fields.String()
    name = fields.String()
    until = fields.AwareDateTime()


class CrlView(Schema):
    """A revocation list that is kept."""

    digest = fields.String()
    issuer_name = fields.String()
    this_update = fields.AwareDateTime()
    next_update = fields.AwareDateTime()


class TrustListView(Schema):
    """A list of roots that is or was in force."""

    digest = fields.String()
    event_id = fields.String()
    since = fields.AwareDateTime()


class TrustView(Schema):
    """Whose certificates count."""

    digest = fields.String(metadata={"description": "as the log names the list in force"})
    roots = fields.List(fields.Nested(RootView))
    crls = fields.List(fields.Nested(CrlView))
    history = fields.List(fields.Nested(TrustListView))


class ChallengeView(Schema):
    """What a new key has to sign."""

    challenge = fields.String()


class KeyView(Schema):
    """A signing key as everybody may see it."""

    id = fields.String()
    thumbprint = fields.String()
    jwk: Any = fields.Dict()
    alg = fields.String()
    grade = fields.String()
    subject = fields.String(allow_none=True, metadata={"description": "whom the certificate names, RFC 4514"})
    confirmed = fields.Boolean(metadata={"description": "false: a certificate that waits for the operator's word"})
    label = fields.String()
    added_at = fields.AwareDateTime()
    revoked_at = fields.AwareDateTime(allow_none=True)
    revoked_reason = fields.String(allow_none=True, metadata={"description": "unused lost stolen left rotated erased"})
    suspect_since = fields.AwareDateTime(allow_none=True, metadata={"description": "out of its owner's hands, as told"})


class MeView(Schema):
    """Who this token speaks for."""

    user_id = fields.String(allow_none=True)
    client_id = fields.String(allow_none=True)
    org_id = fields.String()
    kind = fields.String()
    roles = fields.List(fields.String())
    scopes = fields.List(fields.String(), allow_none=True)
    permissions = fields.List(fields.String())
