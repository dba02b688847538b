"""The Merkle tree: RFC 6962's recursive definition, published vectors, and every small tree."""

import base64
import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import TreeError
from contracts.log import tiles, tree

ENTRIES = [b"entry %d" % number for number in range(70)]


def mth(entries):
    """RFC 6962 section 2.1, word for word: the oracle."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


class Counting:
    """A reader that asserts it is asked once."""

    def __init__(self, entries):
        self.inner, self.questions = tiles.EntryReader(entries), 0

    def read(self, nodes):
        self.questions += 1
        return self.inner.read(nodes)


def test_roots_follow_the_recursive_definition():
    frontier = tree.Frontier()
    for size in range(len(ENTRIES) + 1):
        expected = mth(ENTRIES[:size])
        assert frontier.root() == tree.root_of(ENTRIES[:size]) == expected
        assert tree.root_at(tiles.EntryReader(ENTRIES), size) == expected
        assert tree.Frontier.parse(frontier.serialise()) == frontier
        if size < len(ENTRIES):
            frontier = frontier.append(tree.leaf_hash(ENTRIES[size]))
            assert frontier.size == size + 1


def test_every_inclusion_proof_of_small_trees_holds_and_every_other_position_fails():
    for size in range(1, 34):
        root = mth(ENTRIES[:size])
        for index in range(size):
            reader = Counting(ENTRIES)
            proof = tree.prove_inclusion(reader, index, size)
            assert reader.questions == (1 if size > 1 else 0)
            leaf = tree.leaf_hash(ENTRIES[index])
            tree.check_inclusion(proof, index, size, root, leaf)
            for other in range(size):
                if other != index:
                    with pytest.raises(TreeError):
                        tree.check_inclusion(proof, other, size, root, leaf)


def test_every_consistency_proof_of_small_trees_holds():
    for new in range(1, 40):
        for old in range(1, new + 1):
            proof = tree.prove_consistency(Counting(ENTRIES), old, new)
            tree.check_consistency(proof, old, new, mth(ENTRIES[:old]), mth(ENTRIES[:new]))
            with pytest.raises(TreeError):
                tree.check_consistency(proof, old, new, mth([*ENTRIES[:old][::-1], b"x"]), mth(ENTRIES[:new]))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_one_flipped_bit_in_any_part_of_a_proof_fails(data):
    size = data.draw(st.integers(2, 70))
    index = data.draw(st.integers(0, size - 1))
    proof = list(tree.prove_inclusion(tiles.EntryReader(ENTRIES), index, size))
    parts = [*proof, mth(ENTRIES[:size]), tree.leaf_hash(ENTRIES[index])]
    which, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
    changed = bytearray(parts[which])
    changed[bit // 8] ^= 1 << bit % 8
    parts[which] = bytes(changed)
    with pytest.raises(TreeError) as caught:
        tree.check_inclusion(parts[:-2], index, size, parts[-2], parts[-1])
    assert caught.value.code == "INCLUSION_FAILED"


def unpack(text):
    return base64.b64decode(text or "")


def test_published_inclusion_vectors(vectors):
    items = json.loads((vectors / "merkle/inclusion.json").read_text())
    for item in items:
        proof = [unpack(each) for each in item["proof"] or []]
        arguments = proof, item["leafIdx"], item["treeSize"], unpack(item["root"]), unpack(item["leafHash"])
        if item["wantErr"]:
            with pytest.raises(TreeError):
                tree.check_inclusion(*arguments)
        else:
            tree.check_inclusion(*arguments)
    assert len(items) == 98


def test_published_consistency_vectors(vectors):
    items = json.loads((vectors / "merkle/consistency.json").read_text())
    for item in items:
        proof = [unpack(each) for each in item["proof"] or []]
        arguments = proof, item["size1"], item["size2"], unpack(item["root1"]), unpack(item["root2"])
        if item["wantErr"]:
            with pytest.raises(TreeError):
                tree.check_consistency(*arguments)
        else:
            tree.check_consistency(*arguments)
    assert len(items) == 98


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: tree.prove_inclusion(tiles.EntryReader(ENTRIES), 5, 5), "INDEX_OUTSIDE_TREE"),
        (lambda: tree.prove_inclusion(tiles.EntryReader(ENTRIES), -1, 5), "INDEX_OUTSIDE_TREE"),
        (lambda: tree.prove_consistency(tiles.EntryReader(ENTRIES), 0, 5), "SIZES_NOT_ORDERED"),
        (lambda: tree.prove_consistency(tiles.EntryReader(ENTRIES), 6, 5), "SIZES_NOT_ORDERED"),
        (lambda: tree.check_inclusion([bytes(31)], 0, 2, bytes(32), bytes(32)), "HASH_LENGTH"),
        (lambda: tree.check_inclusion([], 0, 2, bytes(32), bytes(32)), "PROOF_TOO_SHORT"),
        (lambda: tree.check_inclusion([bytes(32)] * 2, 0, 2, bytes(32), bytes(32)), "PROOF_TOO_LONG"),
        (lambda: tree.check_consistency([], 3, 5, bytes(32), bytes(32)), "PROOF_TOO_SHORT"),
        (lambda: tree.check_consistency([bytes(32)], 3, 3, bytes(32), bytes(32)), "PROOF_TOO_LONG"),
        (lambda: tree.check_consistency([], 3, 3, bytes(32), b"x" * 32), "CONSISTENCY_FAILED"),
        (lambda: tree.check_consistency([], 1, 2, bytes(32), bytes(32)), "PROOF_TOO_SHORT"),
        (lambda: tree.check_consistency([bytes(32)] * 3, 1, 2, bytes(32), bytes(32)), "PROOF_TOO_LONG"),
        (lambda: tree.root_at(tiles.EntryReader(ENTRIES), 2**63), "SIZE_OUT_OF_RANGE"),
        (lambda: tree.Frontier.parse(b""), "FRONTIER_MALFORMED"),
        (lambda: tree.Frontier.parse(tree.Frontier().serialise() + b"x"), "FRONTIER_MALFORMED"),
    ],
)
def test_refusals_name_what_failed(call, code):
    with pytest.raises(TreeError) as caught:
        call()
    assert caught.value.code == code
