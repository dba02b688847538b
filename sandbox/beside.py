"""Whether a certificate may stand beside another: one of them governs the market at a time (T1), and T17 ends for good.

Whoever would have two could choose the wider, and every act would be counted under both.
"""

from collections.abc import Iterator
from datetime import date, datetime

from sandbox.denials import Denied
from sandbox.events import EventKind, Termination
from sandbox.rules_certificate import Authorised
from sandbox.rules_course import NotTerminated
from sandbox.trial import Trial, ended, last_day, local_day


def against(other: Trial, first: date, last: date, now: datetime, *, on_paper: bool) -> Iterator[Denied]:
    """What `other` has against a certificate, or a longer term of one, for the days from `first` to `last`.

    After a termination that punishes, a certificate that the punished operator copies from paper is not believed: the
    competent authority issues it itself. Nothing reaches back before the day on which a trial ended.
    """
    end = ended(other, now)
    if end is None:
        if other.valid_from is not None and first <= last_day(other, now) and other.valid_from <= last:
            yield _overlapping(other, first, last, other.valid_from, last_day(other, now))
        return
    day = local_day(end.at)
    if on_paper and end.kind is EventKind.TERMINATED and end.code != Termination.SELF_EXIT:
        facts = {"case": "paper", "value": day, "reason": end.code, "cert_no": other.cert_no}
        yield Denied(NotTerminated.code, facts, NotTerminated.basis)
    if first < day and other.valid_from is not None:
        yield _overlapping(other, first, last, other.valid_from, day)


def _overlapping(other: Trial, first: date, last: date, begun: date, over: date) -> Denied:
    facts = {"value": first, "until": last, "from": begun, "limit": over, "cert_no": other.cert_no}
    return Denied("CERTIFICATE_IN_FORCE", facts, Authorised.basis)
