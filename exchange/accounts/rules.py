"""Rules about accounts that need no database: e-mail addresses, passwords, tax codes, roles."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from itertools import pairwise

from stdnum.exceptions import ValidationError
from stdnum.vn import mst

from exchange.accounts.models import Organisation
from exchange.errors import N_, Refusal, refuse
from exchange.permissions import OrgKind, Role

PASSWORD_LENGTH = (12, 128)
TRADING_LEVEL = 2  # X6: VNeID level
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\\[\]]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}")
_ROLES = {
    OrgKind.MEMBER: frozenset(Role),
    OrgKind.OPERATOR: frozenset({Role.OWNER, Role.ANALYST}),
    OrgKind.REGULATOR: frozenset({Role.OWNER, Role.ANALYST}),
}


def roles_for(kind: OrgKind) -> list[Role]:
    """The roles that mean something in an organisation of this kind, in their usual order."""
    return [role for role in Role if role in _ROLES[kind]]


def fold_email(text: str) -> str:
    """The one spelling under which an address is stored and looked up."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def check_email(text: str) -> str:
    """The folded address; raises Refused when it is none."""
    folded = fold_email(text)
    if len(folded) > 254 or not _EMAIL.fullmatch(folded):
        raise refuse(
            "EMAIL_MALFORMED",
            N_("This is not an e-mail address."),
            field="email",
            value=text,
            passes=N_("An address such as name@company.vn."),
        )
    return folded


def check_name(text: str, field: str) -> str:
    """A name in one spelling, without characters that could hide or turn around what a reader sees."""
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    if not plain or any(unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cs", "Cn") for sign in plain):
        raise refuse("NAME_MALFORMED", N_("Write a name with visible characters only."), field=field)
    return plain


def check_tax_code(text: str) -> str:
    """The code in digits; raises Refused when its form or check digit is wrong (X6)."""
    try:
        return str(mst.validate(text.strip()))
    except ValidationError:
        raise refuse(
            "TAX_CODE_WRONG",
            N_("This is not a valid tax code: a digit is missing or wrong."),
            field="tax_code",
            value=text,
            basis=N_("Decree 314/2026/NĐ-CP Art. 18"),
            passes=N_("The 10 or 13 digits of the registration certificate."),
        ) from None


def password_problems(password: str, *about: str) -> list[Refusal]:
    """Why this password is too easy to guess, given facts ``about`` its owner. Length counts, not odd characters."""
    least, most = PASSWORD_LENGTH
    problems = []
    if not least <= len(password) <= most:
        text = N_("The password must have %(least)s to %(most)s characters.")
        facts = {"least": least, "most": most}
        problems.append(Refusal("PASSWORD_LENGTH", text, field="password", facts=facts))
    if len(set(password.casefold())) < 6 or _is_sequence(password):
        text = N_("The password repeats or counts; choose several words that do not belong together.")
        problems.append(Refusal("PASSWORD_SIMPLE", text, field="password"))
    words = {word for fact in about for word in re.split(r"[^\w]+", fact.casefold()) if len(word) >= 5}
    if any(word in password.casefold() and len(password) - len(word) < 8 for word in words):
        text = N_("The password is little more than your own name or address.")
        problems.append(Refusal("PASSWORD_PERSONAL", text, field="password"))
    return problems


def _is_sequence(password: str) -> bool:
    steps = [ord(b) - ord(a) for a, b in pairwise(password)]
    return any(steps.count(step) > len(steps) * 0.7 for step in (-1, 0, 1))


def check_roles(kind: OrgKind, names: Collection[str]) -> list[Role]:
    """The named roles; raises Refused when there is none or one has no meaning in such an organisation."""
    allowed = roles_for(kind)
    unknown = sorted(set(names) - set(allowed))
    if unknown or not names:
        raise refuse(
            "ROLE_UNKNOWN",
            N_("Choose at least one of the roles that exist here."),
            field="roles",
            value=", ".join(unknown) or None,
            passes=", ".join(allowed),
        )
    return [role for role in allowed if role in names]


def trading_problems(org: Organisation) -> Iterable[Refusal]:
    """X6 and X7: what keeps this organisation from selling and from buying."""
    if org.assurance_level < TRADING_LEVEL:
        yield Refusal(
            "IDENTITY_LEVEL_TOO_LOW",
            N_("Your organisation's identity is confirmed at level %(level)s only."),
            basis=N_("Decree 314/2026/NĐ-CP Art. 18"),
            value=str(org.assurance_level),
            passes=N_("Level 2 of VNeID, confirmed by the operator."),
            facts={"level": org.assurance_level},
        )
    if not org.payment_account:
        yield Refusal(
            "NO_PAYMENT_ACCOUNT",
            N_("Your organisation has no registered payment account."),
            basis=N_("Decree 314/2026/NĐ-CP Art. 18"),
            passes=N_("A payment account confirmed by the operator."),
        )
