"""The log as a folder of static files, kept up to date: hash tiles and the signed head (C2SP tlog-tiles).

For a web server, a mirror or a second machine that shall serve the public part of the log without asking the
exchange. Entry bundles name who dealt with whom and are not written here.
"""

from pathlib import Path

from sqlmodel import Session

from contracts.log import checkpoint
from contracts.log.tiles import WIDTH, Tile, tiles_of
from exchange.ledger import service
from exchange.ledger.promises import write_whole
from exchange.ledger.tiles import DatabaseTiles


class Publication:
    """One such folder. Only the process that leads the sequencing writes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._published: str | None = None  # the note that stands in the folder, as far as this process knows

    def is_behind(self, newest: service.Head | None) -> bool:
        """Whether the folder does not show ``newest``, cosignatures included."""
        return newest is not None and newest.note != self._published

    def publish(self, session: Session, newest: service.Head) -> None:
        """Write the tiles that are missing, then the head. A crash in between leaves tiles that nobody asks for yet;
        a full disk leaves the older head, whose tiles are all there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        head = self._folder / "checkpoint"
        before = _head(head.read_bytes()) if head.exists() else None
        ended = before is not None and before.origin != _head(newest.note.encode()).origin
        done = 0 if before is None or ended else before.size  # an ended log may have had records that were lost
        if newest.size < done:  # a quorum was asked for since: an older head would look like a log rolled back
            self._published = newest.note
            return
        tiles = DatabaseTiles(session, newest.size)
        for tile in tiles_of(newest.size, since=done):
            self._write(tile, tiles.fetch(tile))
        write_whole(head, newest.note.encode())
        self._published = newest.note

    def _write(self, tile: Tile, data: bytes) -> None:
        path = self._folder / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)  # durably: after a loss of power the head must not stand there without its tiles
        if tile.width == WIDTH:  # C2SP tlog-tiles: partial tiles may go once the full one is there
            self._drop_partials(Tile(tile.level, tile.index, 1))

    def _drop_partials(self, one: Tile) -> None:
        partials = (self._folder / one.path).parent
        if partials.is_dir():
            for path in partials.iterdir():
                path.unlink()
            partials.rmdir()


def _head(note: bytes) -> checkpoint.Checkpoint:
    return checkpoint.parse_checkpoint(checkpoint.parse_note(note).text)
