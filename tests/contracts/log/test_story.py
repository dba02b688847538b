"""Chains of events seen alone: complete ones, and those of which a bundle holds only a part."""

import pytest

from contracts.errors import LeafError
from contracts.log import leaf, story
from contracts.log.events import EventType
from contracts.log.leaf import Leaf


def event(number, subject, prev=None, type=EventType.AUDIT_LOOKED):
    parsed = Leaf("log.example", type, 0, f"e{number}", "system", (subject,), prev and f"e{prev}", {}, {})
    return story.Placed(number, parsed)


def follow(events, whole=None):
    chains = story.Chains(whole)
    for one in events:
        chains.follow(one)


def code(placed, **options):
    with pytest.raises(LeafError) as caught:
        follow(placed, **options)
    return caught.value.code


def test_chains_of_several_subjects_may_interleave():
    follow([event(1, "listing:a"), event(2, "listing:b"), event(3, "listing:a", 1), event(4, "listing:b", 2)])


@pytest.mark.parametrize(
    "placed",
    [
        [event(2, "listing:a", 1)],
        [event(1, "listing:a"), event(2, "listing:a")],
        [event(1, "listing:a"), event(2, "listing:a", 1), event(3, "listing:a", 1)],
        [event(1, "listing:a"), event(2, "listing:b", 1)],
    ],
)
def test_a_gap_a_fork_or_a_foreign_link_breaks_the_chain(placed):
    assert code(placed) == "CHAIN_BROKEN"


def test_of_other_subjects_a_bundle_may_hold_a_part():
    whole = frozenset({"contract:c"})
    part = [event(5, "listing:a", 4), event(6, "contract:c"), event(9, "listing:a", 7), event(10, "contract:c", 6)]
    follow(part, whole=whole)
    assert code([event(1, "listing:a"), event(2, "listing:b", 1)], whole=whole) == "CHAIN_BROKEN"
    assert code([event(6, "contract:c", 2)], whole=whole) == "CHAIN_BROKEN"


def test_one_event_cannot_stand_twice():
    assert code([event(1, "listing:a"), event(1, "listing:b")]) == "EVENT_REPEATED"


def test_a_stranger_does_not_sign():
    placed = [
        story.Placed(n, Leaf("l", type, 0, f"e{n}", "org:x", ("contract:c",), None, {}, {}))
        for n, type in enumerate([EventType.CONTRACT_AGREED, EventType.CONTRACT_SIGNED])
    ]
    with pytest.raises(LeafError) as caught:
        story.check_order(placed, "contract:c", "", frozenset({"y"}))
    assert caught.value.code == "SIGNER_UNEXPECTED"
    assert leaf.VERSION == 1
