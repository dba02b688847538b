"""The e-mails that wait, sent one by one: nothing is locked while the mail server thinks.

Each result is noted before the next mail goes out. A crash in between repeats one mail, under the same Message-ID.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session, col, or_, select, update

from exchange import clock
from exchange.accounts.models import Membership, Organisation, User
from exchange.config import Config
from exchange.db import Database
from exchange.notices import saying
from exchange.notices.mail import MailRefused, MailServer, ServerDown
from exchange.notices.models import LATE, Notice

PAUSES = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 4 * 60, 12 * 60, 24 * 60))  # after each refusal for now
OLDEST = timedelta(days=3)  # what could not be sent by then is given up: its news is old
AT_ONCE = 50
LONGEST_PAUSE = 300.0  # seconds between two tries at a server that is down, at most

_MEMBER = (
    select(Membership.user_id)
    .where(Membership.user_id == Notice.user_id, Membership.org_id == Notice.org_id)
    .correlate(Notice)
    .exists()
)

log = structlog.get_logger()


@dataclass(frozen=True)
class _Letter:
    """One mail with everything that it is made of, read before anything is sent."""

    notice: Notice
    email: str
    lang: str
    sentence: str
    organisation: str


class Post:
    """The sender of one process; whoever leads calls :meth:`run_once`."""

    def __init__(self, database: Database, config: Config) -> None:
        self._database, self._server = database, MailServer.of(config)
        self._failures, self._not_before = 0, 0.0  # of the server, by the monotonic clock

    @property
    def configured(self) -> bool:
        """Whether there is a mail server."""
        return self._server is not None

    def run_once(self) -> int:
        """Send what is due; returns how many mails were taken. A server that is down is left in peace for a while."""
        if self._server is None or time.monotonic() < self._not_before:
            return 0
        with self._database.reading() as session:
            letters = _due(session, clock.now())
        if not letters:
            return 0
        try:
            sent = self._send_all(self._server, letters)
        except ServerDown as error:
            self._failures += 1
            self._not_before = time.monotonic() + min(LONGEST_PAUSE, 2.0 ** min(self._failures, 10))
            log.warning("mail", failure=str(error), waiting=len(letters))
            return 0
        self._failures = 0
        return sent

    def _send_all(self, server: MailServer, letters: list[_Letter]) -> int:
        sent = 0
        with server.connection() as line:
            for one in letters:
                try:
                    text = server.letter(
                        one.notice, one.email, one.sentence, one.organisation, one.lang, clock.now()
                    )  # fmt: skip
                    server.send(line, one.email, text)
                    self._note(one.notice, "sent", None)
                    sent += 1
                except MailRefused as refused:
                    last = refused.final or one.notice.mail_tries >= len(PAUSES)
                    self._note(one.notice, "dead" if last else "waiting", refused.code)
        return sent

    def _note(self, notice: Notice, state: str, code: str | None) -> None:
        """How it went. The row may be gone: its person was erased meanwhile."""
        tries = notice.mail_tries + 1
        after = clock.now() + PAUSES[min(tries, len(PAUSES)) - 1]
        mine = update(Notice).where(
            col(Notice.org_id) == notice.org_id, col(Notice.user_id) == notice.user_id, col(Notice.id) == notice.id
        )
        with self._database.writing() as session:
            session.exec(mine.values(mail=state, mail_tries=tries, mail_next=after, mail_code=code))
            session.commit()
        if state == "dead":
            log.warning("mail", failure="given up", code=code)  # whose it was stands in the table only


def give_up(session: Session, now: datetime) -> None:
    """What has waited too long, or waits for somebody who is a member no more, waits no longer."""
    late = update(Notice).where(col(Notice.mail) == "waiting", or_(col(Notice.at) < now - OLDEST, ~_MEMBER))
    session.exec(late.values(mail="dead", mail_code=LATE).execution_options(synchronize_session=False))


def _due(session: Session, now: datetime) -> list[_Letter]:
    query = (
        select(Notice, User, Organisation.name)
        .join(User, col(User.id) == col(Notice.user_id))
        .join(Organisation, col(Organisation.id) == col(Notice.org_id))
        .where(Notice.mail == "waiting", col(Notice.mail_next) <= now, col(Notice.at) >= now - OLDEST, _MEMBER)
        .order_by(col(Notice.mail_next), col(Notice.id))
        .limit(AT_ONCE)
    )
    rows = session.exec(query).all()
    by_language = {lang: [notice for notice, user, _org in rows if user.locale == lang] for lang in ("vi", "en")}
    names = {lang: saying.listing_names(session, notices, lang) for lang, notices in by_language.items()}
    return [
        _Letter(notice, user.email, user.locale, saying.say(notice, names[user.locale], user.locale), saying.clean(org))
        for notice, user, org in rows
    ]
