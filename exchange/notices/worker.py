"""The background work of notices: what the clock brings, e-mails, webhooks. One process at a time does it."""

import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from exchange import clock
from exchange.config import Config
from exchange.db import Database
from exchange.errors import ExchangeError
from exchange.ledger.leader import leading
from exchange.ledger.ticking import Ticking
from exchange.notices import timed
from exchange.notices.deliveries import Deliveries
from exchange.notices.post import Post

TICK = 2.0  # seconds between two looks for something to send
CLOCK_TICK = 60.0  # seconds between two looks at what is due
FORGETTING = 3600.0  # seconds between two looks for what is old

log = structlog.get_logger()


class Notices:
    """Three threads in every server process; a lock for each kind of work lets one process at a time do it."""

    def __init__(self, database: Database, config: Config) -> None:
        self._database, self._home = database, config.home
        self._post, self._deliveries = Post(database, config), Deliveries(database, config)
        self._forgot = float("-inf")
        self._threads = [
            Ticking("notices-clock", CLOCK_TICK, lambda: self._try("notices-clock", self.look_at_clock)),
            Ticking("notices-mail", TICK, lambda: self._try("notices-mail", self.send_mail)),
            Ticking("notices-webhooks", TICK, lambda: self._try("notices-webhooks", self.send_webhooks)),
        ]

    def start(self) -> None:
        """Begin; without a mail server no mail is looked for."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what is under way and end."""
        for thread in self._threads:
            thread.stop()
        self._deliveries.stop()

    @property
    def healthy(self) -> bool:
        """Whether every thread, once started, still lives. A receiver that is down makes nobody unwell."""
        return all(thread.alive for thread in self._threads)

    @property
    def mailing(self) -> bool:
        """Whether there is a mail server."""
        return self._post.configured

    def look_at_clock(self) -> int:
        """Tell what is due; returns how many things, none while another process is at it."""
        with leading(self._database, self._home, "notices-clock") as leads:
            if not leads:
                return 0
            with self._database.writing() as session:
                told = timed.tell_due(session, clock.now(), timed.SOURCES)
                if time.monotonic() - self._forgot > FORGETTING:
                    timed.forget(session, clock.now())
                    self._forgot = time.monotonic()
                session.commit()
            return told

    def send_mail(self) -> int:
        """Send the mails that are due; returns how many were taken."""
        if not self.mailing:
            return 0
        with leading(self._database, self._home, "notices-mail") as leads:
            return self._post.run_once() if leads else 0

    def send_webhooks(self) -> int:
        """Post the messages that are due; returns how many were taken."""
        with leading(self._database, self._home, "notices-webhooks") as leads:
            return sum(iter(self._deliveries.run_once, 0)) if leads else 0

    def _try(self, name: str, work: Callable[[], int]) -> None:
        """A failure is noted instead of raised; the next tick tries again."""
        try:
            work()
        except (SQLAlchemyError, ExchangeError, OSError) as error:
            log.error(name, failure=type(error).__name__)
