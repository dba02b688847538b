"""Tiles: paths of the specification, two logs written by others, and the tree read back from tiles alone."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader

from contracts.errors import TreeError
from contracts.log import checkpoint, tiles, tree
from contracts.log.tiles import ENTRIES, Tile


@given(
    st.builds(Tile, st.integers(-1, 7), st.integers(0, 2**40), st.integers(1, 256)),
)
def test_a_path_reads_back(tile):
    assert tiles.parse_path(tile.path) == tile


def test_paths_of_the_specification(vectors):
    examples = json.loads((vectors / "c2sp_spec_examples.json").read_text())
    for example in examples["tile_path"]:
        assert Tile(0, example["n"]).path == "tile/0/" + example["path"]


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/00/000",
        "tile/8/000",
        "tile/0/x000/001",
        "tile/0/001/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/entries/000/",
        "/tile/0/000",
        "tile/0/../000",
        "tile/0/\u0660\u0660\u0660",
        "tile/0/000\n",
    ],
)
def test_other_spellings_of_a_path_are_refused(path):
    with pytest.raises(TreeError):
        tiles.parse_path(path)


def test_layout_of_the_specification():
    rows = {}
    for tile in tiles.tiles_of(70_000):
        full, partial = rows.get(tile.level, (0, 0))
        rows[tile.level] = (full + 1, partial) if tile.width == 256 else (full, tile.width)
    assert rows == {0: (273, 112), 1: (1, 17), 2: (0, 1)}
    assert list(tiles.tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles.tiles_of(0)) == [] == list(tiles.bundles_of(0))


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_growing_step_by_step_writes_the_same_full_tiles_once(first, second):
    before, after = sorted((first, second))
    steps = [*tiles.tiles_of(before), *tiles.tiles_of(after, since=before)]
    full = [tile for tile in steps if tile.width == 256]
    assert len(set(full)) == len(full)
    assert set(full) == {tile for tile in tiles.tiles_of(after) if tile.width == 256}


LOGS = [("tessera_log", "tessera_log", range(1, 16)), ("demo", "demo_go_verified/log", [1, 2, 255, 256, 257, 600])]


@pytest.mark.parametrize(("name", "folder", "sizes"), LOGS, ids=["tessera", "demo"])
def test_logs_written_by_others_are_rebuilt_from_their_entries_and_from_their_tiles(vectors, name, folder, sizes):
    root = vectors / folder
    key_file = root / "log.vkey" if name == "tessera_log" else root.parent / "s.log.vkey"
    key = checkpoint.parse_vkey(key_file.read_text().strip())
    for size in sizes:
        note = root / f"checkpoint.{size}" if name == "tessera_log" else root / "checkpoints" / str(size)
        head = checkpoint.open_checkpoint(note.read_bytes(), [key]).checkpoint
        assert head.size == size
        entries = []
        for bundle in tiles.bundles_of(size):
            data = (root / bundle.path).read_bytes()
            entries += tiles.decode_bundle(data, bundle.width)
            assert tiles.encode_bundle(entries[-bundle.width :]) == data
        assert tree.root_of(entries) == head.root

        reader = tiles.TileReader(size, lambda tile: (root / tile.path).read_bytes())
        assert tree.root_at(reader, size) == head.root
        for tile in tiles.tiles_of(size):
            assert tiles.tile_data(tiles.EntryReader(entries), tile) == (root / tile.path).read_bytes()
        for index in {0, size // 2, size - 1}:
            proof = tree.prove_inclusion(reader, index, size)
            tree.check_inclusion(proof, index, size, head.root, tree.leaf_hash(entries[index]))


def test_bundles_end_where_their_last_entry_ends():
    data = tiles.encode_bundle([b"", b"one", b"x" * 65_535])
    assert tiles.decode_bundle(data, 3) == [b"", b"one", b"x" * 65_535]
    for broken, width in [(data + b"\0", 3), (data[:-1], 3), (data, 2), (data, 4), (b"\0", 1), (b"", 1)]:
        with pytest.raises(TreeError):
            tiles.decode_bundle(broken, width)
    with pytest.raises(TreeError) as caught:
        tiles.encode_bundle([b"x" * 65_536])
    assert caught.value.code == "ENTRY_TOO_LARGE"


def test_a_reader_refuses_a_short_tile_and_a_node_outside_the_tree():
    reader = tiles.TileReader(3, lambda tile: b"")
    with pytest.raises(TreeError) as caught:
        reader.read([tree.Node(0, 0)])
    assert caught.value.code == "TILE_LENGTH"
    with pytest.raises(TreeError) as caught:
        reader.read([tree.Node(1, 1)])
    assert caught.value.code == "NODE_OUTSIDE_TREE"
    assert ENTRIES == -1


def test_another_implementation_reads_the_log_that_we_write(tmp_path):
    entries = [b"entry %d" % number for number in range(600)]
    reader = tiles.EntryReader(entries)
    key = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
    head = checkpoint.Checkpoint("log.example", 600, tree.root_of(entries))
    files = {"checkpoint": checkpoint.sign_checkpoint(head, key).encode()}
    files |= {tile.path: tiles.tile_data(reader, tile) for tile in tiles.tiles_of(600)}
    for tile in tiles.bundles_of(600):
        files[tile.path] = tiles.encode_bundle(entries[tile.index * 256 : tile.index * 256 + tile.width])
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)

    other = TilesReader(LocalBackend(tmp_path))
    assert other.get_checkpoint().root_hash == head.root
    assert other.calculate_root_hash() == head.root
    for index in (0, 255, 256, 599):
        assert other.get_entry(index) == entries[index]
        theirs = other.get_inclusion_proof(index, 600)
        ours = tree.prove_inclusion(reader, index, 600)
        assert tuple(theirs.node_hashes) == ours
        theirs.check(tree.leaf_hash(entries[index]), head.root)
    assert tuple(other.get_consistency_proof(257, 600).node_hashes) == tree.prove_consistency(reader, 257, 600)
