"""Any appends, any sizes: all proofs hold, all readers agree. Any single bit that is changed: refused."""

from collections.abc import Sequence
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import ContractsError, TreeError
from contracts.log import checkpoint, proof, tiles, tree
from contracts.log.checkpoint import KeyType
from contracts.log.tiles import HEIGHT, Tile, TileReader
from contracts.log.tree import Node

ENTRIES = [b"entry %d" % number for number in range(1100)]  # four full tiles, and a partial one on each level
WHOLE = tiles.EntryReader(ENTRIES)
LOG = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
WITNESS = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
WITNESS_KEY = checkpoint.verifier_key("regulator.example/w1", WITNESS, KeyType.COSIGNATURE)
ORIGIN = "log.minhbach.example/2026"
KEY = checkpoint.verifier_key(ORIGIN, LOG)

quick = settings(max_examples=200, deadline=None)
sizes = st.integers(1, len(ENTRIES))
huge = st.integers(1, 2**63 - 1)


@cache
def tile_bytes(tile: Tile) -> bytes:
    return tiles.tile_data(WHOLE, tile)


@cache
def root(size: int) -> bytes:
    return tree.root_at(WHOLE, size)


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# --- proofs


@quick
@given(st.lists(st.integers(0, 300), max_size=6))
def test_however_records_arrive_the_frontier_has_the_root_of_entries_and_of_tiles(batches: list[int]) -> None:
    frontier = tree.Frontier()
    for batch in batches:
        added = ENTRIES[frontier.size : frontier.size + batch]
        frontier = tree.Frontier.parse(frontier.extend(map(tree.leaf_hash, added)).serialise())
        size = frontier.size
        assert frontier.root() == tree.root_of(ENTRIES[:size]) == tree.root_at(WHOLE, size)
        assert frontier.root() == tree.root_at(TileReader(size, tile_bytes), size)
        assert frontier.hashes == tuple(TileReader(size, tile_bytes).read(tree.complete_nodes(0, size)))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(0, 40))
def test_all_proofs_between_two_sizes_hold(old: int, more: int) -> None:
    new = old + more
    for index in range(new):
        path = tree.prove_inclusion(WHOLE, index, new)
        tree.check_inclusion(path, index, new, root(new), tree.leaf_hash(ENTRIES[index]))
    path = tree.prove_consistency(WHOLE, old, new)
    tree.check_consistency(path, old, new, root(old), root(new))


@quick
@given(st.data())
def test_tiles_and_entries_give_the_same_proofs_and_they_hold(data: st.DataObject) -> None:
    old, new = sorted((data.draw(sizes), data.draw(sizes)))
    index = data.draw(st.integers(0, new - 1))
    reader = TileReader(new, tile_bytes)
    inclusion, consistency = tree.prove_inclusion(reader, index, new), tree.prove_consistency(reader, old, new)
    assert inclusion == tree.prove_inclusion(WHOLE, index, new)
    assert consistency == tree.prove_consistency(WHOLE, old, new)
    tree.check_inclusion(inclusion, index, new, root(new), tree.leaf_hash(ENTRIES[index]))
    tree.check_consistency(consistency, old, new, root(old), root(new))


class Uniform:
    """A log of one record over and over: a subtree's hash follows from its height, so any size fits in memory."""

    def __init__(self) -> None:
        self.hashes = [tree.leaf_hash(b"again")]
        while len(self.hashes) < 63:
            self.hashes.append(tree.node_hash(self.hashes[-1], self.hashes[-1]))

    def read(self, nodes: Sequence[Node], /) -> list[bytes]:
        return [self.hashes[node.height] for node in nodes]

    def tile(self, tile: Tile) -> bytes:
        return self.hashes[HEIGHT * tile.level] * tile.width


@quick
@given(st.data())
def test_proofs_hold_at_every_size_up_to_the_largest(data: st.DataObject) -> None:
    uniform = Uniform()
    old, new = sorted((data.draw(huge), data.draw(huge)))
    index = data.draw(st.integers(0, new - 1))
    old_root, new_root = (tree.root_at(uniform, size) for size in (old, new))
    reader = TileReader(new, uniform.tile)
    assert tree.root_at(reader, new) == new_root
    inclusion, consistency = tree.prove_inclusion(reader, index, new), tree.prove_consistency(reader, old, new)
    assert inclusion == tree.prove_inclusion(uniform, index, new)
    tree.check_inclusion(inclusion, index, new, new_root, uniform.hashes[0])
    tree.check_consistency(consistency, old, new, old_root, new_root)
    assert len(inclusion) <= 63
    assert len(consistency) <= 64


# --- one bit


@quick
@given(st.data())
def test_a_bit_of_a_tile_changes_the_root_or_breaks_a_proof(data: st.DataObject) -> None:
    size = data.draw(sizes)
    tile = data.draw(st.sampled_from(list(tiles.tiles_of(size))))
    bit = data.draw(st.integers(0, 8 * 32 * tile.width - 1))
    reader = TileReader(size, lambda asked: flip(tile_bytes(asked), bit) if asked == tile else tile_bytes(asked))
    position = tile.index * tiles.WIDTH + bit // 256
    beside = (position ^ 1) << HEIGHT * tile.level  # a record whose path leads over the changed hash
    refused = tree.root_at(reader, size) != root(size)
    for index in {0, size - 1, min(beside, size - 1)}:
        try:
            path = tree.prove_inclusion(reader, index, size)
            tree.check_inclusion(path, index, size, root(size), tree.leaf_hash(ENTRIES[index]))
        except TreeError:
            refused = True
    assert refused


@quick
@given(st.data())
def test_a_bit_of_a_consistency_proof_or_of_either_root_is_refused(data: st.DataObject) -> None:
    old, new = sorted((data.draw(sizes), data.draw(sizes)))
    parts = [*tree.prove_consistency(WHOLE, old, new), root(old), root(new)]
    which, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
    parts[which] = flip(parts[which], bit)
    with pytest.raises(TreeError, match="CONSISTENCY_FAILED"):
        tree.check_consistency(parts[:-2], old, new, parts[-2], parts[-1])


@quick
@given(st.data())
def test_a_proof_with_a_hash_too_few_or_too_many_is_refused(data: st.DataObject) -> None:
    old, new = sorted((data.draw(sizes), data.draw(sizes)))
    index, extra = data.draw(st.integers(0, new - 1)), data.draw(st.binary(min_size=32, max_size=32))
    inclusion, consistency = tree.prove_inclusion(WHOLE, index, new), tree.prove_consistency(WHOLE, old, new)
    for path in (inclusion[:-1], (*inclusion, extra), (extra, *inclusion)):
        if path != inclusion:
            with pytest.raises(TreeError):
                tree.check_inclusion(path, index, new, root(new), tree.leaf_hash(ENTRIES[index]))
    for path in (consistency[:-1], (*consistency, extra), (extra, *consistency)):
        if path != consistency:
            with pytest.raises(TreeError):
                tree.check_consistency(path, old, new, root(old), root(new))


def signed(size: int, time: int) -> str:
    head = checkpoint.Checkpoint(ORIGIN, size, root(size))
    line = checkpoint.cosign_note(checkpoint.format_checkpoint(head), WITNESS_KEY.name, WITNESS, time)
    return checkpoint.sign_checkpoint(head, LOG, line)


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_a_bit_of_a_signed_head_is_refused_or_makes_its_witness_unknown(data: st.DataObject) -> None:
    size, time = data.draw(sizes), data.draw(st.integers(0, 2**40))
    note = signed(size, time).encode()
    assert checkpoint.open_checkpoint(note, [KEY], [WITNESS_KEY]).cosigned == (checkpoint.Cosigned(WITNESS_KEY, time),)
    changed = flip(note, data.draw(st.integers(0, 8 * len(note) - 1)))
    try:
        opened = checkpoint.open_checkpoint(changed, [KEY], [WITNESS_KEY])
    except ContractsError:
        return
    assert (opened.checkpoint.size, opened.checkpoint.root, opened.cosigned) == (size, root(size), ())


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_a_bit_of_a_proof_file_or_of_its_record_is_refused_or_makes_the_witness_unknown(data: st.DataObject) -> None:
    size = data.draw(sizes)
    index = data.draw(st.integers(0, size - 1))
    text = proof.format_proof(proof.Proof(index, tree.prove_inclusion(WHOLE, index, size), signed(size, 7)))
    entry = ENTRIES[index]
    proof.check_proof(proof.parse_proof(text), entry, [KEY], [WITNESS_KEY])
    wrong = flip(entry, data.draw(st.integers(0, 8 * len(entry) - 1)))
    with pytest.raises(TreeError, match="INCLUSION_FAILED"):
        proof.check_proof(proof.parse_proof(text), wrong, [KEY], [WITNESS_KEY])
    changed = flip(text.encode(), data.draw(st.integers(0, 8 * len(text.encode()) - 1)))
    try:
        opened = proof.check_proof(proof.parse_proof(changed.decode()), entry, [KEY], [WITNESS_KEY])
    except (ContractsError, UnicodeDecodeError):
        return
    assert (opened.checkpoint.root, opened.cosigned) == (root(size), ())
