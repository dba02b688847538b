"""Joining, inviting, roles, and what the operator confirms."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from contracts.log import leaf
from exchange import clock
from exchange.accounts import members, passwords, rules, service
from exchange.accounts.models import Invitation, Membership, Organisation, User
from exchange.db import Database
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.ledger.models import Entry, Outbox
from exchange.permissions import Actor, OrgKind, Role
from tests.exchange.accounts.conftest import PASSWORD
from tests.exchange.people import People, tax_code

Account = Callable[..., tuple[Organisation, User]]


def joining(**changes: str) -> dict[str, str]:
    """A complete form."""
    return {
        "name": "Công ty Cổ phần Dữ liệu Sài Gòn", "tax_code": tax_code(77), "stated_level": "2",
        "stated_payment_account": "1", "full_name": "Lê Văn Minh", "email": "Minh@SaiGon.vn", "password": PASSWORD,
    } | changes  # fmt: skip


def events(session: Session) -> list[leaf.Leaf]:
    """Everything recorded so far, in the tree or on its way."""
    rows = [*session.exec(select(Entry.leaf).order_by(Entry.idx)), *session.exec(select(Outbox.leaf))]
    return [leaf.parse(row) for row in rows]


def test_an_organisation_joins_unconfirmed_and_its_owner_is_signed_in(
    client: FlaskClient, session: Session, no_csrf: None
) -> None:
    assert client.post("/join", data=joining()).location == "/me"
    assert "Lê Văn Minh" in client.get("/me").text
    org, user = session.exec(select(Organisation)).one(), session.exec(select(User)).one()
    assert (org.kind, org.assurance_level, org.payment_account) == ("member", 0, False)
    assert (org.stated_level, org.stated_payment_account) == (2, True)
    assert user.email == "minh@saigon.vn"
    assert user.password_hash.startswith("$argon2id$")
    recorded = events(session)
    assert [(event.type, event.on) for event in recorded] == [("account.registered", (f"org:{org.id}",))]


def test_what_is_recorded_names_nobody(client: FlaskClient, session: Session, no_csrf: None) -> None:
    client.post("/join", data=joining())
    rows = [*session.exec(select(Outbox.leaf)), *session.exec(select(Entry.leaf))]
    for secret in ("saigon.vn", "Minh", tax_code(77)):
        assert all(secret.encode() not in row for row in rows)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tax_code": "0312345678"}, "tax_code"),
        ({"tax_code": "abc"}, "tax_code"),
        ({"name": ""}, "name"),
        ({"name": "Công ty \u202egnuht"}, "name"),
        ({"name": "A\x00B"}, "name"),
        ({"email": "no-address"}, "email"),
        ({"email": "a@b@c.vn"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "aaaaaaaaaaaaaaaa"}, "password"),
        ({"password": "123456789012"}, "password"),
        ({"password": "minhminhminh!"}, "password"),
        ({"stated_level": "9"}, "stated_level"),
        ({"stated_level": "two"}, "stated_level"),
    ],
)
def test_each_field_is_checked_and_what_was_typed_is_kept(
    client: FlaskClient, session: Session, no_csrf: None, changes: dict[str, str], field: str
) -> None:
    answer = client.post("/join", data=joining(**changes))
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert "Lê Văn Minh" in answer.text
    assert PASSWORD not in answer.text
    assert session.exec(select(Organisation)).all() == []
    assert session.exec(select(User)).all() == []


def test_a_tax_code_joins_once_and_a_failed_joining_leaves_nothing(
    client: FlaskClient, app: Flask, session: Session, no_csrf: None
) -> None:
    client.post("/join", data=joining())
    again = app.test_client().post("/join", data=joining(email="b@b.vn"))
    assert again.status_code == 409
    stolen = app.test_client().post("/join", data=joining(tax_code=tax_code(78), password="mật khẩu khác hẳn"))
    assert stolen.status_code == 409  # the address has an account, and this is not its password
    assert len(session.exec(select(Organisation)).all()) == 1
    assert len(session.exec(select(User)).all()) == 1


def test_joining_cannot_make_an_operator_or_confirm_itself(
    client: FlaskClient, session: Session, no_csrf: None
) -> None:
    client.post("/join", data=joining(kind="operator", confirmed="1", assurance_level="3", payment_account="1"))
    org = session.exec(select(Organisation)).one()
    assert (org.kind, org.assurance_level, org.payment_account) == ("member", 0, False)


def test_the_operator_confirms_and_it_is_recorded(
    people: People, an_account: Account, session: Session, client: FlaskClient, no_csrf: None
) -> None:
    client.post("/join", data=joining())
    org_id = session.exec(select(Organisation.id).where(Organisation.tax_code == tax_code(77))).one()
    session.rollback()
    form = {"level": "2", "payment_account": "1"}
    assert client.post(f"/organisations/{org_id}/identity", data=form).status_code == 403
    assert people.browser(people.regulator()).post(f"/organisations/{org_id}/identity", data=form).status_code == 403
    operator = people.browser(people.operator())
    assert "2" in operator.get(f"/organisations/{org_id}").text
    assert operator.post(f"/organisations/{org_id}/identity", data=form).status_code == 303
    org = session.get_one(Organisation, org_id)
    assert (org.assurance_level, org.payment_account) == (2, True)
    assert events(session)[-1].d == {"change": "identity", "level": 2, "payment_account": True}


def test_the_public_page_shows_facts_and_no_person(client: FlaskClient, an_account: Account) -> None:
    org, user = an_account("lan@a.vn")
    page = client.get(f"/organisations/{org.id}").text
    assert org.name in page
    assert org.tax_code in page
    assert user.full_name not in page
    assert user.email not in page
    for nobody in ("nobody", "%00", "x" * 300):
        assert client.get(f"/organisations/{nobody}").status_code == 404


def invited(browser: FlaskClient, **changes: Any) -> str:
    """Invite somebody and return the path of the link that the page shows."""
    answer = browser.post("/me/members", data={"email": "an@b.vn", "roles": ["signer", "analyst"]} | changes)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    found = re.search(r'data-copy="https?://[^/"]+(/join/[A-Za-z0-9_-]{43})"', answer.text)
    assert found is not None
    return found[1]


def test_an_invitation_leads_to_us_whatever_host_the_request_named(people: People, no_csrf: None) -> None:
    form = {"email": "an@b.vn", "roles": ["signer"]}
    answer = people.browser(people.provider()).post("/me/members", data=form)  # to http://localhost
    assert 'data-copy="http://127.0.0.1:8000/join/' in answer.text


def test_an_owner_invites_somebody_by_a_link_that_works_once(
    people: People, client: FlaskClient, app: Flask, session: Session, no_csrf: None
) -> None:
    owner = people.browser(people.provider())
    link = invited(owner)
    assert link not in owner.get("/me/members").text
    assert "an@b.vn" in client.get(link).text
    form = {"full_name": "Phạm An", "password": PASSWORD}
    assert client.post(link, data=form | {"password": "x"}).status_code == 422
    assert client.post(link, data=form).location == "/me"
    assert "Phạm An" in client.get("/me").text
    user_id = session.exec(select(User.id).where(User.email == "an@b.vn")).one()
    assert service.roles_of(session, user_id, people.provider().org_id) == {Role.SIGNER, Role.ANALYST}
    session.rollback()
    assert app.test_client().get(link).status_code == 404
    assert app.test_client().post(link, data=form).status_code == 404


def test_an_invitation_ends_with_time_withdrawal_and_its_makers_ownership(
    people: People, client: FlaskClient, session: Session, now: datetime, no_csrf: None
) -> None:
    owner = people.browser(people.provider())
    late, withdrawn, orphaned = (invited(owner, email=f"{name}@b.vn") for name in ("a", "b", "c"))
    with clock.frozen(now + timedelta(days=7)):
        assert client.get(late).status_code == 404
    row = session.exec(select(Invitation.id).where(Invitation.email == "b@b.vn")).one()
    session.rollback()
    assert people.browser(people.stranger()).post(f"/me/invitations/{row}/withdraw").status_code == 404
    assert owner.post(f"/me/invitations/{row}/withdraw").status_code == 303
    assert client.get(withdrawn).status_code == 404
    assert client.get(orphaned).status_code == 200
    for membership in session.exec(select(Membership).where(Membership.user_id == people.provider().user_id)):
        session.delete(membership)
    session.commit()
    assert client.get(orphaned).status_code == 404


def test_whoever_has_an_account_joins_with_its_password_and_nobody_else_can(
    people: People, client: FlaskClient, an_account: Account, session: Session, no_csrf: None
) -> None:
    an_account("an@b.vn")
    link = invited(people.browser(people.provider()))
    answer = client.post(link, data={"full_name": "Kẻ trộm", "password": "mật khẩu khác hẳn"})
    assert answer.status_code == 409
    assert client.post(link, data={"full_name": "Kẻ trộm", "password": PASSWORD}).status_code == 303
    assert session.exec(select(User.full_name).where(User.email == "an@b.vn")).all() == ["Trần Thị Lan"]


def test_an_owner_changes_roles_and_lets_people_go(people: People, session: Session, now: datetime) -> None:
    owner = people.provider()
    org = session.get_one(Organisation, owner.org_id)
    user = service.add_user(session, org, email="c@c.vn", full_name="C", password=PASSWORD, roles=["signer"], now=now)
    members.set_roles(session, owner, user.id, ["analyst", "publisher"], now)
    session.flush()
    assert service.roles_of(session, user.id, org.id) == {Role.ANALYST, Role.PUBLISHER}
    token = service.start_sign_in(session, user.id, None, now, before=None)
    session.flush()
    assert service.actor_of_sign_in(session, token, now) is not None
    members.set_roles(session, owner, user.id, [], now)
    session.flush()
    assert service.actor_of_sign_in(session, token, now) is None
    assert [event.d["change"] for event in events(session)] == ["roles", "left"]


def test_the_last_owner_stays(people: People, session: Session, now: datetime) -> None:
    owner = people.provider()
    for roles in ([], ["signer"]):
        with pytest.raises(Refused) as refused:
            members.set_roles(session, owner, str(owner.user_id), roles, now)
        assert refused.value.code == "LAST_OWNER"


def test_an_owner_has_no_say_over_other_organisations_people(people: People, session: Session, now: datetime) -> None:
    provider, buyer, signer = people.provider(), people.buyer(), people.make("ky", OrgKind.MEMBER, Role.SIGNER)
    with pytest.raises(NotFound):
        members.set_roles(session, provider, str(buyer.user_id), [], now)
    with pytest.raises(NotPermitted):
        members.invite(session, signer, "x@y.vn", ["owner"], now)


def test_roles_must_mean_something_in_the_organisation() -> None:
    assert rules.check_roles(OrgKind.MEMBER, ["signer", "owner"]) == [Role.OWNER, Role.SIGNER]
    for kind, roles in ((OrgKind.REGULATOR, ["publisher"]), (OrgKind.MEMBER, ["king"]), (OrgKind.MEMBER, [])):
        with pytest.raises(Refused):
            rules.check_roles(kind, roles)


def test_a_password_typed_in_either_unicode_form_is_the_same() -> None:
    stored = passwords.hash_password("me\u0300o xanh ba con")
    passwords.check_password("m\u00e8o xanh ba con", stored)
    with pytest.raises(passwords.WrongPassword):
        passwords.check_password("meo xanh ba con", stored)
    with pytest.raises(passwords.WrongPassword):
        passwords.check_password("no account has this password", None)


def test_permissions_of_a_stranger_do_not_reach_members(people: People, no_csrf: None) -> None:
    finance = people.make("ke-toan", OrgKind.MEMBER, Role.FINANCE)
    browser = people.browser(finance)
    assert browser.get("/me").status_code == 200
    assert browser.get("/me/members").status_code == 403
    assert browser.get("/me/clients").status_code == 403


def test_a_token_is_not_an_owner(people: People, session: Session, now: datetime) -> None:
    owner = people.provider()
    program = Actor(owner.user_id, owner.org_id, owner.kind, owner.roles, frozenset({"sign", "catalogue"}), "c")
    with pytest.raises(NotPermitted):
        members.invite(session, program, "x@y.vn", ["owner"], now)


def test_every_page_of_an_account_is_there_in_both_languages(people: People, database: Database) -> None:
    for lang in ("vi", "en"):
        browser = people.browser(people.provider(), lang=lang)
        for path in ("/me", "/me/keys", "/me/members", "/me/clients", "/me/programs", "/sign-in", "/join",
                     "/sign-in/organisation", f"/organisations/{people.operator().org_id}"):  # fmt: skip
            answer = browser.get(path)
            assert answer.status_code == 200, path
            assert f'<html lang="{lang}">' in answer.text
            assert "<script>" not in answer.text
            assert "style=" not in answer.text
