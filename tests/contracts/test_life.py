"""Suspension, resumption, the end and the duty after it: every order of events, before both checkers."""

import itertools
from datetime import date, timedelta

import pytest

from contracts import canonical
from contracts.evidence import WHOLE_LOG
from tests.contracts import story
from tests.contracts.story import CONTRACT, jws, tell, write
from tests.contracts.test_verify import agreed, ours

SELLER, BUYER, OPERATOR = "org:provider-org", "org:buyer-org", "org:operator"
STATEMENT = canonical.sha256_b64url(b"statement")


def bundle_of(steps, scope=CONTRACT):
    """A contract in force, then these steps: (event, actor) or (event, actor, whose hold)."""
    log = story.begin()
    contract = story.make_contract(log)
    entries = story.sign(contract)
    tell(log, contract, entries, upto=4)
    for event, actor, *hold in steps:
        hashes = {} if event in ("delivery.made", "query.run") else {"contract": contract.hash}
        if event.startswith("duty."):
            hashes["statement"] = STATEMENT
        details = {"hold": hold[0] if hold else "party"} if event in (SUSPEND, RESUME) else {}
        log.add(event, CONTRACT, actor=actor, h=hashes, d=details)
    return write(log, [jws(contract, entries)], scope=scope)


SUSPEND, RESUME, END, DELIVER = "contract.suspended", "contract.resumed", "contract.ended", "delivery.made"
DONE, YES, NO = "duty.fulfilled", "duty.acknowledged", "duty.disputed"

GOOD = {
    "suspended and resumed by the same": [(SUSPEND, SELLER), (RESUME, SELLER), (DELIVER, BUYER)],
    "suspended by both, resumed by both": [
        (SUSPEND, SELLER), (SUSPEND, BUYER), (RESUME, SELLER), (RESUME, BUYER), (DELIVER, BUYER),
    ],
    "stopped with the listing, released by a regulator": [
        (SUSPEND, OPERATOR, "listing"), (RESUME, "org:regulator", "listing"), (DELIVER, BUYER),
    ],
    "ended while suspended": [(SUSPEND, SELLER), (END, BUYER)],
    "ended by the exchange": [(END, "system")],
    "the duty stated and acknowledged": [(END, SELLER), (DONE, BUYER), (YES, SELLER)],
    "disputed and stated again": [(END, SELLER), (DONE, BUYER), (NO, SELLER), (DONE, BUYER), (YES, SELLER)],
    "stated after it expired, which is no event": [(DONE, BUYER)],
}  # fmt: skip
WRONG = {
    "a delivery while the seller has suspended": ([(SUSPEND, SELLER), (DELIVER, BUYER)], "USED_OUT_OF_FORCE"),
    "a query while it is suspended": ([(SUSPEND, BUYER), ("query.run", BUYER)], "USED_OUT_OF_FORCE"),
    "a delivery while one of two holds stands": (
        [(SUSPEND, SELLER), (SUSPEND, BUYER), (RESUME, BUYER), (DELIVER, BUYER)], "USED_OUT_OF_FORCE",
    ),
    "a delivery while its listing is stopped": (
        [(SUSPEND, OPERATOR, "listing"), (DELIVER, BUYER)], "USED_OUT_OF_FORCE",
    ),
    "a delivery after the end": ([(END, SELLER), (DELIVER, BUYER)], "USED_OUT_OF_FORCE"),
    "resumed by the other side": ([(SUSPEND, SELLER), (RESUME, BUYER)], "OUT_OF_ORDER"),
    "resumed by nobody's hold": ([(RESUME, SELLER)], "OUT_OF_ORDER"),
    "suspended twice by the same": ([(SUSPEND, SELLER), (SUSPEND, SELLER)], "OUT_OF_ORDER"),
    "suspended by a stranger": ([(SUSPEND, "org:stranger")], "OUT_OF_ORDER"),
    "the listing's hold lifted by a party": (
        [(SUSPEND, OPERATOR, "listing"), (RESUME, SELLER, "listing")], "OUT_OF_ORDER",
    ),
    "a party passing off its hold as the listing's": ([(SUSPEND, SELLER, "listing")], "OUT_OF_ORDER"),
    "suspended after the end": ([(END, SELLER), (SUSPEND, SELLER)], "OUT_OF_ORDER"),
    "resumed after the end": ([(SUSPEND, SELLER), (END, BUYER), (RESUME, SELLER)], "OUT_OF_ORDER"),
    "ended by a stranger": ([(END, "org:stranger")], "OUT_OF_ORDER"),
    "ended by the operator": ([(END, OPERATOR)], "OUT_OF_ORDER"),
    "a statement by a stranger": ([(END, SELLER), (DONE, "org:stranger")], "OUT_OF_ORDER"),
    "an answer to nothing": ([(END, SELLER), (YES, SELLER)], "OUT_OF_ORDER"),
    "the buyer acknowledging itself": ([(END, SELLER), (DONE, BUYER), (YES, BUYER)], "OUT_OF_ORDER"),
}  # fmt: skip


@pytest.mark.parametrize("scope", [CONTRACT, WHOLE_LOG])
@pytest.mark.parametrize("name", GOOD)
def test_both_checkers_pass_a_life_in_order(name, scope):
    assert agreed(bundle_of(GOOD[name], scope)) is None


@pytest.mark.parametrize("scope", [CONTRACT, WHOLE_LOG])
@pytest.mark.parametrize("name", WRONG)
def test_both_checkers_refuse_a_life_out_of_order(name, scope):
    steps, code = WRONG[name]
    data = bundle_of(steps, scope)
    assert agreed(data) == "CONTRACT"
    assert ours(data).lines[-1].problem.code == code


def test_both_judge_alike_whatever_three_things_happen():
    """Every order of three events out of all kinds: `agreed` fails where one checker passes what the other refuses."""
    kinds = [
        (SUSPEND, SELLER), (RESUME, SELLER), (SUSPEND, OPERATOR, "listing"), (RESUME, OPERATOR, "listing"),
        (END, BUYER), (DELIVER, BUYER), (DONE, BUYER), (NO, SELLER),
    ]  # fmt: skip
    verdicts = [agreed(bundle_of(steps)) for steps in itertools.product(kinds, repeat=3)]
    assert 0 < verdicts.count(None) < len(verdicts)


@pytest.mark.parametrize("event", [SUSPEND, RESUME, DONE, YES])
def test_a_step_of_life_outside_the_contracts_own_chain_is_refused_by_both(event):
    log = story.begin()
    contract = story.make_contract(log)
    entries = story.sign(contract)
    tell(log, contract, entries, upto=4)
    for step, actor in ((SUSPEND, SELLER), (RESUME, SELLER), (DONE, BUYER), (YES, SELLER)):
        on = ("listing:flights", CONTRACT) if step == event else (CONTRACT,)
        log.add(step, *on, actor=actor, h={"contract": contract.hash, "statement": STATEMENT}, d={"hold": "party"})
    assert agreed(write(log, [jws(contract, entries)])) == "CONTRACT"


def test_a_successor_names_whom_it_follows_and_says_so_to_its_readers():
    from contracts import document, text
    from tests.contracts.examples import make_contract

    first = make_contract()
    second = make_contract(id="c-2", supersedes=first.hash)
    assert document.parse(second.payload).supersedes == first.hash
    assert first.hash in text.clauses(second, "vi")[0].body
    assert first.hash in text.clauses(second, "en")[0].body
    assert "supersedes" not in canonical.loads(first.payload)  # so contracts of before keep their bytes
    for wrong in ("sha-256:x", "", 1, None):
        body = canonical.loads(second.payload) | {"supersedes": wrong}
        with pytest.raises(document.DocumentError) as caught:
            document.parse(canonical.dumps(body))
        assert caught.value.code == "DOCUMENT_VALUE_REFUSED"
    body = canonical.loads(second.payload)
    for row in body["text"]:
        row["edition"] = "2026-1"  # whose wording has no sentence for it
    with pytest.raises(document.DocumentError) as caught:
        document.parse(canonical.dumps(body))
    assert caught.value.code == "EDITION_TOO_OLD"


def test_the_days_of_clause_20_begin_with_the_end():
    from contracts.duty import Duty, due_day, duty
    from contracts.standing import Facts
    from contracts.terms import first_moment
    from tests.contracts.examples import make_contract, make_terms

    contract = make_contract()  # until 30 November 2027
    ran_out, ended = Facts(1), Facts(1, ended_at=first_moment(date(2027, 3, 1)) + timedelta(hours=23))
    assert due_day(contract, ran_out) == date(2027, 12, 30)
    assert due_day(contract, ended) == date(2027, 3, 31)
    midnight = first_moment(date(2027, 12, 1))
    assert duty(contract, ran_out, midnight - timedelta(seconds=1)) is Duty.NONE
    assert duty(contract, ran_out, midnight) is Duty.OWED
    late = first_moment(date(2027, 12, 31))
    assert duty(contract, ran_out, late - timedelta(seconds=1)) is Duty.OWED
    assert duty(contract, ran_out, late) is Duty.LATE
    assert duty(contract, ran_out, late, continued=True) is Duty.NONE
    assert duty(contract, ran_out, late, stated=True) is Duty.STATED
    assert duty(contract, ran_out, late, stated=True, answer="disputed") is Duty.DISPUTED
    assert duty(contract, ran_out, late, stated=True, answer="acknowledged") is Duty.ACKNOWLEDGED
    assert duty(contract, Facts(None), late) is Duty.NONE  # it was never in force
    open_data = make_contract(terms=make_terms(licence="L0", onward_transfer="allowed", price_vnd=0, attribution=True))
    assert duty(open_data, ran_out, late) is Duty.NONE
    longer = make_contract(terms=make_terms(deletion_days=60))  # as the parties may agree
    assert due_day(longer, ended) == date(2027, 4, 30)
    forever = make_contract(terms=make_terms(ends=date.max))
    assert due_day(forever, ran_out) == date.max
