"""Cosignatures for our heads: pushes each new head to the witnesses of a policy file (C2SP tlog-witness), keeps theirs.

Nothing here can hold the log up: each witness is asked in a thread of its own, with seconds to answer, and one that is
down is asked again ever more rarely. What a witness has seen is a promise of ours. If it shows a head, signed by us,
that does not lie on the history in this database (a restored backup), the note is kept in ``witnessed_head`` in the
home folder, and the sequencer signs nothing until the missing records are back. A bare number proves nothing: a witness
that claims to have seen more, but cannot show our signature, is logged and otherwise ignored.
"""

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from hashlib import sha256

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from contracts.errors import ContractsError
from contracts.log import checkpoint, tree, witness
from contracts.log.checkpoint import MAX_NOTE, VerifierKey
from exchange import clock
from exchange.client.plain import Answer, Plain
from exchange.client.words import ClientError
from exchange.config import Config, ConfigurationError
from exchange.db import Database
from exchange.errors import ExchangeError
from exchange.ledger import service
from exchange.ledger.cosigned import Published, read_policy
from exchange.ledger.leader import leading
from exchange.ledger.models import Checkpoint, Cosignature
from exchange.ledger.promises import write_whole
from exchange.ledger.ticking import Ticking
from exchange.ledger.tiles import DatabaseTiles

TICK = 1.0  # seconds between two looks for a new head: a head is pushed at most this often
AGAIN = 600  # seconds after which the same head is cosigned anew, so that the witness's time stays fresh
PATIENCE = 60.0  # seconds between two tries at a witness that does not answer, at most
STARTING = 10.0  # seconds that a start waits for the witnesses to show what they have seen

log = structlog.get_logger()


class WitnessRefused(ExchangeError):
    """A witness answered, but not with a cosignature of our head."""


@dataclass
class _Witness:
    """One line of the policy file, and how it goes with it. Only one thread at a time touches it."""

    name: str
    key: VerifierKey
    http: Plain
    size: int | None = None  # the head it cosigned last, as far as this process knows
    pushed: tuple[int, float] = (0, 0.0)  # which head this process pushed last, and when by our clock
    next_try: float = 0.0  # monotonic
    failures: int = 0
    running: Future[None] | None = field(default=None, repr=False)


class Witnesses:
    """The policy's witnesses, and the background work that keeps them informed."""

    def __init__(self, database: Database, config: Config) -> None:
        self._database, self._home, self._origin = database, config.home, config.log_origin
        self._witnessed = config.home / "witnessed_head"
        self.policy = read_policy(config.witness_policy)
        self.published = Published(self.policy)
        urls = dict(self.policy.urls)
        self._all = [_Witness(name, key, _reach(name, urls)) for name, key in self.policy.witnesses]
        self._pool = ThreadPoolExecutor(max(1, len(self._all)), thread_name_prefix="witness")
        self._ticking = Ticking("witnesses", TICK, self._tick)
        self._lead: ExitStack | None = None

    # -- in the background -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Ask every witness what it has seen, before anything is signed; then push heads until :meth:`stop`."""
        if self._all:
            self.ask()
            self._ticking.start()

    def ask(self) -> None:
        """Let every witness show what it has seen; ten seconds at most."""
        wait([self._pool.submit(self._compare_quietly, one) for one in self._all], timeout=STARTING)

    def stop(self) -> None:
        """End the thread; what is under way ends by itself within seconds."""
        self._ticking.stop()
        self._let_go()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def run_once(self) -> None:
        """Push the newest head to every witness that is due, and wait for their answers."""
        wait(self._push_due())

    def alarmed(self) -> bool:
        """Whether a witness has seen a head of ours that this database does not hold."""
        with self._database.reading() as session:
            return self._broken(session)

    def _broken(self, session: Session) -> bool:
        """Whether ``witnessed_head``, if there is one, promises what this database does not hold. One that cannot be
        read may promise anything; one of another origin binds a log that has ended."""
        try:
            head = checkpoint.parse_checkpoint(checkpoint.parse_note(self._witnessed.read_bytes()).text)
        except FileNotFoundError:
            return False
        except (ContractsError, OSError):
            return True
        return head.origin == self._origin and not _holds(session, head)

    def _tick(self) -> None:
        try:
            if self._lead is None:
                self._take_lead()
            if self._lead is not None:
                self._push_due()
        except (SQLAlchemyError, OSError) as error:  # the database is away: whoever has it back first leads
            log.warning("witnesses", failure=type(error).__name__)
            self._let_go()

    def _take_lead(self) -> None:
        with ExitStack() as stack:
            if stack.enter_context(leading(self._database, self._home, "witnesses")):
                self._lead = stack.pop_all()

    def _let_go(self) -> None:
        lead, self._lead = self._lead, None
        if lead is not None:
            try:
                lead.close()
            except SQLAlchemyError as error:  # the connection is gone, and the lock with it
                log.warning("witnesses", failure=type(error).__name__)

    # -- one witness -----------------------------------------------------------------------------------------

    def _push_due(self) -> list[Future[None]]:
        with self._database.reading() as session:
            newest = service.head(session)
            due = [one for one in self._all if newest is not None and _is_due(session, one, newest.size)]
        for one in due:
            one.running = self._pool.submit(self._visit, one)
        return [one.running for one in due if one.running is not None]

    def _visit(self, one: _Witness) -> None:
        try:
            self._cosign(one)
            one.failures, one.next_try = 0, 0.0
        except (ClientError, ContractsError, WitnessRefused, SQLAlchemyError, OSError) as error:
            one.failures += 1
            one.next_try = time.monotonic() + min(PATIENCE, 2.0 ** min(one.failures, 10))
            log.warning("witness", witness=one.name, failure=str(error)[:200])

    def _cosign(self, one: _Witness) -> None:
        """Send the newest head; told another size, once more from there; refused still, see what it has seen."""
        head, answer = self._offer(one, one.size)
        if answer.status == 409:
            head, answer = self._offer(one, _size_in(answer))
        if answer.status != 200:
            one.size = None
            self._compare(one)
            raise WitnessRefused(f"status {answer.status}: {answer.text[:80]!r}")
        line, cosigned = witness.open_answer(checkpoint.parse_note(head.note).text, answer.body, one.key)
        self._keep(one, head.size, line, cosigned.time)
        one.size, one.pushed = head.size, (head.size, clock.now().timestamp())

    def _offer(self, one: _Witness, old: int | None) -> tuple[service.Head, Answer]:
        """The newest head with a proof from ``old``, by default from what we last stored of this witness."""
        with self._database.reading() as session:
            head = _bare_head(session)
            old = _last_size(session, one) if old is None else old
            if old > head.size:  # only a restored backup can be behind its witness: see what it can show
                self._compare(one)
                raise WitnessRefused(f"it claims to have seen {old} records, we have {head.size}")
            proof = tree.prove_consistency(DatabaseTiles(session, head.size).reader, old, head.size) if old else ()
        body = witness.format_request(old, proof, head.note)
        return head, one.http.ask("/add-checkpoint", witness.MAX_ANSWER, body.encode())

    def _keep(self, one: _Witness, size: int, line: checkpoint.Signature, seen_s: int) -> None:
        """Only what was verified is stored. A crash before this leaves the witness ahead of what we know of it: the
        next push gets a 409 and goes on from there."""
        text = witness.format_answer(line).rstrip("\n")
        with self._database.writing() as session:
            session.merge(Cosignature(size=size, witness=one.key.name, line=text, seen_s=seen_s))
            session.commit()

    # -- what it has seen ------------------------------------------------------------------------------------

    def _compare_quietly(self, one: _Witness) -> None:
        try:
            self._compare(one)
        except (ClientError, ContractsError, SQLAlchemyError, OSError) as error:
            log.warning("witness", witness=one.name, failure=str(error)[:200])

    def _compare(self, one: _Witness) -> None:
        """Its newest head must lie on our history; raises nothing when it does not, but keeps the note.

        The database is read after the answer came: what another process has pushed meanwhile stands in it by then.
        """
        answer = one.http.ask(f"/{sha256(self._origin.encode()).hexdigest()}/checkpoint", MAX_NOTE)
        if answer.status != 200:
            return
        with self._database.reading() as session:
            head = checkpoint.open_checkpoint(answer.body, service.verifiers(session)).checkpoint
            if head.origin != self._origin or _holds(session, head) or self._broken(session):
                return
        write_whole(self._witnessed, answer.body)
        log.error("witnessed_head", witness=one.name, size=head.size)


# --- inside -----------------------------------------------------------------------------------------------------------


def _reach(name: str, urls: dict[str, str]) -> Plain:
    try:
        return Plain(urls.get(name, ""))
    except ClientError:
        raise ConfigurationError(
            f"MINHBACH_WITNESS_POLICY: the witness {name} needs an address that begins with https:// "
            "(http:// on this very machine only) at the end of its line"
        ) from None


def _is_due(session: Session, one: _Witness, size: int) -> bool:
    if (one.running is not None and not one.running.done()) or time.monotonic() < one.next_try:
        return False
    row = session.get(Cosignature, (size, one.key.name))
    if row is None:
        return True
    pushed = one.pushed[1] if one.pushed[0] == size else 0.0  # for a witness whose clock is far behind ours
    return max(row.seen_s, pushed) + AGAIN <= clock.now().timestamp()


def _bare_head(session: Session) -> service.Head:
    """The newest signed head with our own signature only."""
    newest = service.head(session)
    if newest is None:
        raise WitnessRefused("nothing is signed yet")
    row = session.get_one(Checkpoint, newest.size)
    return replace(newest, note=row.note or newest.note)


def _last_size(session: Session, one: _Witness) -> int:
    query = select(Cosignature.size).where(Cosignature.witness == one.key.name)
    return session.exec(query.order_by(col(Cosignature.size).desc()).limit(1)).first() or 0


def _size_in(answer: Answer) -> int:
    text = answer.text.removesuffix("\n")
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise WitnessRefused(f"status 409 without a size: {text[:80]!r}")
    return int(text)


def _holds(session: Session, head: checkpoint.Checkpoint) -> bool:
    """Whether this database's history has had that head."""
    newest = session.exec(select(Checkpoint).order_by(col(Checkpoint.size).desc()).limit(1)).first()
    if newest is None or head.size > newest.size:
        return head.size == 0
    return head.size == 0 or tree.root_at(DatabaseTiles(session, newest.size).reader, head.size) == head.root
