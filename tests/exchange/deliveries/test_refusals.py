"""Who gets nothing: each refusal has its code, teaches, and is a record in the log."""

from datetime import date, datetime, timedelta, timezone

import pytest
from flask import Flask
from sqlmodel import select

from contracts.log import leaf
from exchange import clock
from exchange.accounts.models import Membership
from exchange.accounts.service import set_standing
from exchange.deliveries import streaming
from exchange.negotiations import agreements
from exchange.permissions import Role
from exchange.trials import enrolments, lifecycle
from exchange.trials import service as trials
from exchange.trials.models import Trial
from tests.exchange.deliveries.goods import Goods
from tests.exchange.people import People
from tests.exchange.trials.conftest import certificate
from tests.exchange.trials.place import sound

VIETNAM = timezone(timedelta(hours=7))


def refused(goods: Goods, people: People, path: str, code: str) -> leaf.Leaf:
    """Asking as the buyer is refused with ``code``, in both languages, and logged; no byte of the file leaves."""
    for lang in ("vi", "en"):
        answer = people.browser(goods.buyer, lang).get(path)
        assert answer.status_code == 403
        assert code in answer.text
        assert goods.data[:64] not in answer.data
    leaves = goods.leaves("delivery.refused")
    assert [found.d["code"] for found in leaves][-2:] == [code, code]
    row = goods.deliveries()[-1]
    assert (row.status, row.code, row.bytes_sent, row.event_id) == ("refused", code, 0, leaves[-1].id)
    return leaves[-1]


def test_without_a_contract(goods: Goods, people: People) -> None:
    found = refused(goods, people, f"/contracts/01jzzzzzzzzzzzzzzzzzzzzzzz/files/{goods.asset_id}", "NO_CONTRACT")
    assert found.on == (f"org:{goods.buyer.org_id}",)


@pytest.mark.parametrize("who", ["stranger", "provider"])
def test_only_the_buyer_receives(goods: Goods, people: People, who: str) -> None:
    contract, actor = goods.contract(), getattr(people, who)()
    answer = people.browser(actor).get(goods.path(contract))
    assert answer.status_code == 403
    assert "NO_CONTRACT" in answer.text
    [found] = goods.leaves("delivery.refused")
    assert found.on == (f"org:{actor.org_id}", f"contract:{contract.id}")


def test_before_it_is_signed_by_all(goods: Goods, people: People) -> None:
    negotiation = goods.requested(starts=date(2026, 11, 22))
    contract = goods.do(agreements.agree, goods.seller, negotiation.id, negotiation.terms_hash)
    goods.signed(contract, goods.buyer)
    refused(goods, people, goods.path(contract), "CONTRACT_UNLOGGED")


def test_before_it_starts(goods: Goods, people: People) -> None:
    contract = goods.contract(starts=date(2026, 11, 23))
    refused(goods, people, goods.path(contract), "CONTRACT_UPCOMING")
    with clock.frozen(datetime(2026, 11, 23, 0, 0, tzinfo=VIETNAM)):
        assert people.browser(goods.buyer).get(goods.path(contract)).data == goods.data


def test_after_its_last_day_in_viet_nam(goods: Goods, people: People) -> None:
    contract = goods.contract(ends=date(2026, 11, 30))
    with clock.frozen(datetime(2026, 11, 30, 23, 59, 59, tzinfo=VIETNAM)):
        assert people.browser(goods.buyer).get(goods.path(contract)).data == goods.data
    with clock.frozen(datetime(2026, 12, 1, 0, 0, tzinfo=VIETNAM)):
        refused(goods, people, goods.path(contract), "CONTRACT_EXPIRED")


def test_after_it_was_ended(goods: Goods, people: People) -> None:
    contract = goods.contract()
    browser = people.browser(goods.buyer)
    assert browser.get(goods.path(contract)).status_code == 200
    goods.end(contract)
    refused(goods, people, goods.path(contract), "CONTRACT_ENDED")
    assert browser.get(goods.path(contract), headers={"Range": "bytes=1-"}).status_code == 403
    assert browser.head(goods.path(contract)).status_code == 403


def test_while_the_listing_is_stopped(goods: Goods, people: People) -> None:
    contract = goods.contract()
    goods.set_state("suspended")
    refused(goods, people, goods.path(contract), "CONTRACT_SUSPENDED")


def test_a_file_that_the_contract_does_not_name(goods: Goods, people: People) -> None:
    contract = goods.contract()
    refused(goods, people, f"/contracts/{contract.id}/files/01jzzzzzzzzzzzzzzzzzzzzzzz", "FILE_NOT_IN_CONTRACT")


def test_more_often_than_agreed(goods: Goods, people: People) -> None:
    contract, browser = goods.contract(), people.browser(goods.buyer)
    for hours in (0, 2, 4):  # each time the hour of the grant before is over: a delivery of its own
        with clock.frozen(goods.now + timedelta(hours=hours)):
            assert browser.get(goods.path(contract)).status_code == 200
            assert browser.get(goods.path(contract)).status_code == 200  # the same delivery, fetched again
    assert len(goods.leaves("delivery.made")) == 3
    with clock.frozen(goods.now + timedelta(hours=6)):
        refused(goods, people, goods.path(contract), "DELIVERIES_SPENT")


def test_links_made_in_advance_do_not_stretch_the_limit(app: Flask, goods: Goods, people: People) -> None:
    goods.stock(app.extensions["minhbach.store"], max_deliveries=1)
    contract = goods.contract()
    links = [goods_link(goods, contract.id) for _ in range(3)]
    client = app.test_client()
    assert [client.get(link).status_code for link in links] == [200, 403, 403]
    assert client.get(links[0]).status_code == 200  # what was begun may be finished
    assert [found.d["code"] for found in goods.leaves("delivery.refused")] == ["DELIVERIES_SPENT"] * 2


def goods_link(goods: Goods, contract_id: str) -> str:
    """A link made by the use case."""
    from exchange.deliveries import service

    _ticket, token = goods.do(lambda session, now: service.open_grant(
        session, goods.buyer, contract_id, goods.asset_id, now))  # fmt: skip
    return f"/deliveries/{token}/data.csv"


@pytest.mark.parametrize("licence", ["L1", "L2"])
def test_a_licence_for_answers_only(app: Flask, goods: Goods, people: People, licence: str) -> None:
    added = {"max_hours": 2} if licence == "L1" else {}
    goods.stock(app.extensions["minhbach.store"], licence=licence, max_deliveries=None, max_queries=100, min_group=10,
                added_terms=added)  # fmt: skip
    refused(goods, people, goods.path(goods.contract()), "ACTION_NOT_IN_LICENCE")


def grant_trial(goods: Goods, people: People, **changes: object) -> Trial:
    """A certificate that covers what is sold here, but for ``changes``."""
    trial: Trial = goods.do(trials.grant_trial, people.operator(), certificate(**changes))
    goods.do(enrolments.enrol, goods.buyer, "1", entity=sound())
    return trial


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sectors": ("health",)}, "OUT_OF_TRIAL_SCOPE"),
        ({"verbs": ("process",)}, "OUT_OF_TRIAL_SCOPE"),
        ({"territory": ("VN-HN",)}, "TRIAL_TERRITORY"),
        ({"valid_from": date(2026, 11, 23)}, "TRIAL_NOT_AUTHORISED"),
    ],
)
def test_outside_the_trials_certificate(goods: Goods, people: People, changes: dict[str, object], code: str) -> None:
    contract = goods.contract()
    goods.do(trials.grant_trial, people.operator(), certificate(**changes))
    refused(goods, people, goods.path(contract), code)


def test_while_the_trial_is_suspended_and_after_it_was_terminated(goods: Goods, people: People) -> None:
    trial = grant_trial(goods, people)
    contract, operator = goods.contract(), people.operator()
    assert people.browser(goods.buyer).get(goods.path(contract)).data == goods.data
    goods.do(lifecycle.change_trial, operator, trial.id, "suspended", "Sự cố", code="incident")
    refused(goods, people, goods.path(contract), "TRIAL_SUSPENDED")
    goods.do(lifecycle.change_trial, operator, trial.id, "resumed", "Đã khắc phục", code="remedied")
    assert people.browser(goods.buyer).get(goods.path(contract)).data == goods.data
    goods.do(lifecycle.change_trial, operator, trial.id, "terminated", "Kết thúc", code="self_exit")
    refused(goods, people, goods.path(contract), "TRIAL_TERMINATED")


@pytest.mark.parametrize("what", ["organisation", "roles"])
def test_a_link_dies_with_its_holders_rights(app: Flask, goods: Goods, people: People, what: str) -> None:
    contract = goods.contract()
    link, client = goods_link(goods, contract.id), app.test_client()
    assert client.get(link).status_code == 200
    if what == "organisation":
        goods.do(set_standing, people.operator(), goods.buyer.org_id, "suspended")
    else:
        with goods.database.writing() as session:
            row = session.exec(select(Membership).where(Membership.user_id == goods.buyer.user_id)).one()
            row.role = Role.FINANCE
            session.commit()
    late = client.get(link)
    assert (late.status_code, "GRANT_OVER" in late.text) == (403, True)
    assert [found.d["code"] for found in goods.leaves("delivery.refused")] == ["GRANT_OVER"]


def test_without_the_right_to_receive(goods: Goods, people: People) -> None:
    contract = goods.contract()
    assert people.browser(people.regulator()).get(goods.path(contract)).status_code == 403
    assert people.browser(people.operator()).get(goods.path(contract)).status_code == 403
    answer = people.app.test_client().get(goods.path(contract))
    assert answer.status_code == 303  # to the sign-in page


@pytest.mark.parametrize("how", ["ended", "expired", "suspended"])
def test_a_running_download_is_cut(
    app: Flask, goods: Goods, people: People, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(streaming, "LOOK_BYTES", 1)
    goods.stock(app.extensions["minhbach.store"], size=5_000_000)
    contract = goods.contract(ends=date(2026, 11, 30))
    answer = people.browser(goods.buyer).get(goods.path(contract), buffered=False)
    body = answer.iter_encoded()
    received = len(next(body)) + len(next(body))
    later = goods.now
    if how == "ended":
        goods.end(contract)
    elif how == "suspended":
        goods.set_state("suspended")
    else:
        later = datetime(2026, 12, 1, 0, 0, tzinfo=VIETNAM)
    with clock.frozen(later), pytest.raises(streaming.AccessEnded):  # noqa: PT012
        for piece in body:
            received += len(piece)
    assert received <= 2 * streaming.PIECE  # nothing after the look that follows the end
    code = {"ended": "CONTRACT_ENDED", "expired": "CONTRACT_EXPIRED", "suspended": "CONTRACT_SUSPENDED"}[how]
    [row] = goods.deliveries()
    assert (row.complete, row.code, row.bytes_sent) == (False, code, received)
    [cut] = goods.leaves("delivery.refused")
    assert cut.d["code"] == code
    assert cut.d["sent"] == received
    assert ("after_ms" in cut.d) == (how == "ended")


def test_a_reader_who_leaves_is_noted(app: Flask, goods: Goods, people: People) -> None:
    goods.stock(app.extensions["minhbach.store"], size=5_000_000)
    contract = goods.contract()
    answer = people.browser(goods.buyer).get(goods.path(contract), buffered=False)
    body = answer.iter_encoded()
    next(body)
    next(body)
    answer.close()
    body.close()
    [row] = goods.deliveries()
    assert (row.complete, row.code) == (False, None)
    assert row.bytes_sent == streaming.PIECE
    assert row.ended_at is not None


def test_nobody_waits_for_a_slow_reader(app: Flask, goods: Goods, people: People) -> None:
    """While a body streams, no lock and no connection is held: others write meanwhile."""
    goods.stock(app.extensions["minhbach.store"], size=5_000_000)
    contract = goods.contract()
    answer = people.browser(goods.buyer).get(goods.path(contract), buffered=False)
    body = answer.iter_encoded()
    next(body)
    goods.end(contract)  # would wait 30 s on SQLite if the stream held the write lock
    body.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_fills_the_log_with_refusals(goods: Goods, people: People) -> None:
    browser = people.browser(goods.buyer)
    path = f"/contracts/01jzzzzzzzzzzzzzzzzzzzzzzz/files/{goods.asset_id}"
    statuses = [browser.get(path).status_code for _ in range(122)]
    assert statuses == [403] * 120 + [429] * 2
    assert len(goods.leaves("delivery.refused")) == 120
    assert people.browser(people.stranger()).get(path).status_code == 403  # somebody else's limit is their own
