// Verify checks an exported log of Minh Bạch with none of its code: only Go's standard library and the checksum
// database's own packages. One line a check; exit status 1 at the first that fails.
//
//	verify LOGDIR LOG.vkey X.tlog-proof X.entry OLD [CONSISTENCY]
//
// LOGDIR is a C2SP tlog-tiles folder with its entry bundles. OLD is an earlier size, or the file of a checkpoint saved
// earlier, whose promise the log must have kept. CONSISTENCY is a file of that proof, a base64 hash a line; without it
// the proof is made from the tiles.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8 // C2SP tlog-tiles: 2^8 hashes in a tile
	width  = 1 << height
)

// stored holds the hashes of a tree built from its entries, in the order in which package tlog numbers them.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(s)) {
			return nil, fmt.Errorf("hash %d is outside the tree", index)
		}
		found[i] = s[index]
	}
	return found, nil
}

// folder reads the hash tiles for tlog.TileHashReader, which checks them against the signed root.
type folder string

func (folder) Height() int                         { return height }
func (folder) SaveTiles(_ []tlog.Tile, _ [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(tiles))
	for i, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(string(f), tilePath(tile)))
		if err != nil {
			return nil, err
		}
		if len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", tilePath(tile), len(data))
		}
		found[i] = data
	}
	return found, nil
}

// tilePath is the path of C2SP tlog-tiles: that of package tlog without the height, entries under their name.
func tilePath(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), "tile/8/")
	return "tile/" + strings.Replace(path, "data/", "entries/", 1)
}

func main() {
	if len(os.Args) < 6 || len(os.Args) > 7 {
		fail(errors.New("usage: verify LOGDIR LOG.vkey X.tlog-proof X.entry OLD [CONSISTENCY]"))
	}
	dir, args := os.Args[1], os.Args[2:]
	keys, err := readKeys(args[0])
	fail(err)
	head, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	fail(err)
	tree, err := openCheckpoint(head, keys)
	fail(err)
	report("checkpoint of %s: %d records, root %v", keys[0].Name(), tree.N, tree.Hash)

	hashes, err := readEntries(dir, tree.N)
	fail(err)
	root, err := tlog.TreeHash(tree.N, hashes)
	fail(err)
	if root != tree.Hash {
		fail(fmt.Errorf("the entries give the root %v", root))
	}
	report("entries: %d records give that root", tree.N)

	count, err := compareTiles(dir, tree, hashes)
	fail(err)
	report("tiles: %d are those of the entries", count)

	index, err := checkProof(args[1], args[2], keys, tree, hashes)
	fail(err)
	report("proof: %s is record %d", filepath.Base(args[2]), index)

	old, err := checkOld(dir, args[3:], keys, tree, hashes)
	fail(err)
	report("consistency: the first %d records are those of the earlier head %v", old.N, old.Hash)
}

func report(format string, facts ...interface{}) { fmt.Printf("ok "+format+"\n", facts...) }

func fail(err error) {
	if err != nil {
		fmt.Println("FAILED", err)
		os.Exit(1)
	}
}

// readKeys reads the log's keys, one vkey a line: there are several once the log has changed its key.
func readKeys(file string) ([]note.Verifier, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var keys []note.Verifier
	for _, line := range strings.Fields(string(text)) {
		key, err := note.NewVerifier(line)
		if err != nil {
			return nil, err
		}
		if len(keys) > 0 && key.Name() != keys[0].Name() {
			return nil, errors.New("keys of different logs")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("no key")
	}
	return keys, nil
}

// openCheckpoint is the tree that a signed note promises (C2SP tlog-checkpoint), once a key of the log has signed it.
func openCheckpoint(text []byte, keys []note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(text, note.VerifierList(keys...))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != keys[0].Name() {
		return tlog.Tree{}, errors.New("the checkpoint is not this log's")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 1 || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, fmt.Errorf("size %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// readEntries hashes every entry of every bundle: nothing is taken from the hash tiles.
func readEntries(dir string, size int64) (stored, error) {
	var hashes stored
	for first := int64(0); first < size; first += width {
		bundle := tlog.Tile{H: height, L: -1, N: first / width, W: width}
		if size-first < width {
			bundle.W = int(size - first)
		}
		data, err := os.ReadFile(filepath.Join(dir, tilePath(bundle)))
		if err != nil {
			return nil, err
		}
		for i := int64(0); i < int64(bundle.W); i++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("%s ends in entry %d", tilePath(bundle), first+i)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			more, err := tlog.StoredHashes(first+i, data[2:end], hashes)
			if err != nil {
				return nil, err
			}
			hashes, data = append(hashes, more...), data[end:]
		}
		if len(data) != 0 {
			return nil, fmt.Errorf("%s goes on after its last entry", tilePath(bundle))
		}
	}
	return hashes, nil
}

// compareTiles demands that every hash tile that the tree has is there and holds the hashes of the entries.
func compareTiles(dir string, tree tlog.Tree, hashes stored) (int, error) {
	count := 0
	for _, tile := range tilesOf(tree.N) {
		data, err := folder(dir).ReadTiles([]tlog.Tile{tile})
		if err != nil {
			return 0, err
		}
		expected, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			return 0, err
		}
		if !bytes.Equal(data[0], expected) {
			return 0, fmt.Errorf("%s differs from the entries", tilePath(tile))
		}
		count++
	}
	return count, nil
}

// tilesOf lists the tiles of a tree. (tlog.NewTiles lists others in old versions of that package.)
func tilesOf(size int64) []tlog.Tile {
	var tiles []tlog.Tile
	for level := 0; size > 0; level, size = level+1, size>>height {
		for n := int64(0); n<<height < size; n++ {
			tile := tlog.Tile{H: height, L: level, N: n, W: width}
			if size-n<<height < width {
				tile.W = int(size - n<<height)
			}
			tiles = append(tiles, tile)
		}
	}
	return tiles
}

// checkProof checks a C2SP tlog-proof file: the entry is in the tree of the proof's own signed head, and that head lies
// on this log's history.
func checkProof(proofFile, entryFile string, keys []note.Verifier, tree tlog.Tree, hashes stored) (int64, error) {
	text, err := os.ReadFile(proofFile)
	if err != nil {
		return 0, err
	}
	entry, err := os.ReadFile(entryFile)
	if err != nil {
		return 0, err
	}
	top, signed, found := strings.Cut(string(text), "\n\n")
	lines := strings.Split(top, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return 0, errors.New("not a tlog-proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return 0, err
	}
	path, err := parseHashes(lines[2:])
	if err != nil {
		return 0, err
	}
	head, err := openCheckpoint([]byte(signed), keys)
	if err != nil {
		return 0, err
	}
	if err := keptPromise(head, tree, hashes); err != nil {
		return 0, err
	}
	return index, tlog.CheckRecord(path, head.N, head.Hash, index, tlog.RecordHash(entry))
}

// keptPromise recomputes an earlier root from the entries.
func keptPromise(old, tree tlog.Tree, hashes stored) error {
	if old.N > tree.N {
		return fmt.Errorf("an earlier head promises %d records, this log has %d", old.N, tree.N)
	}
	root, err := tlog.TreeHash(old.N, hashes)
	if err == nil && root != old.Hash {
		err = fmt.Errorf("the earlier head of %d records has another root than this log then had", old.N)
	}
	return err
}

// checkOld checks that the tree of an earlier head begins this one, by a consistency proof (RFC 6962 section 2.1.2).
func checkOld(dir string, args []string, keys []note.Verifier, tree tlog.Tree, hashes stored) (tlog.Tree, error) {
	old, err := readOld(args[0], keys, hashes)
	if err != nil {
		return old, err
	}
	if err := keptPromise(old, tree, hashes); err != nil {
		return old, err
	}
	var proof tlog.TreeProof
	if len(args) == 2 {
		data, err := os.ReadFile(args[1])
		if err != nil {
			return old, err
		}
		proof, err = parseHashes(strings.Fields(string(data)))
		if err != nil {
			return old, err
		}
	} else {
		proof, err = tlog.ProveTree(tree.N, old.N, tlog.TileHashReader(tree, folder(dir)))
		if err != nil {
			return old, err
		}
	}
	return old, tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
}

func readOld(name string, keys []note.Verifier, hashes stored) (tlog.Tree, error) {
	size, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		text, err := os.ReadFile(name)
		if err != nil {
			return tlog.Tree{}, err
		}
		return openCheckpoint(text, keys)
	}
	root, err := tlog.TreeHash(size, hashes)
	return tlog.Tree{N: size, Hash: root}, err
}

func parseHashes(lines []string) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(lines))
	for i, line := range lines {
		data, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(data) != tlog.HashSize {
			return nil, fmt.Errorf("%q is no hash", line)
		}
		copy(hashes[i][:], data)
	}
	return hashes, nil
}
