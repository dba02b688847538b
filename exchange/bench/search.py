"""Searching the catalogue: what a reader waits for one page of results with facets, against fetching one row by key.

Questions are typed without diacritics, the stored texts have them. Every measurement is one whole use case: count,
page, facets.
"""

import gc
import time
from collections.abc import Callable
from random import Random

from sqlalchemy import insert, update
from sqlmodel import Session

from exchange import clock
from exchange.bench import Figure, empty_exchange, open_database, percentile, rows
from exchange.catalogue import index, search
from exchange.catalogue.models import Asset, Listing, ListingVersion
from exchange.catalogue.vocabulary import State
from exchange.db import Database, new_id

BATCH = 2_000
SECONDS = 15.0  # spent on one kind of question at most
ROUNDS = 100

Work = Callable[[Session, int], object]  # in a session, in a round with this number


def run(kind: str, count: int = 20_000) -> list[Figure]:
    """Figures for one database kind over ``count`` published listings."""
    random = Random(1437)  # noqa: S311 - the same listings in every run
    with empty_exchange(kind) as config:
        database = open_database(config)
        ids = _fill(database, count, random)
        gc.collect()
        gc.freeze()  # as a worker of the server does when it has loaded everything
        by_key: Work = lambda session, _n: session.get_one(Listing, random.choice(ids))  # noqa: E731 - one line says it
        figures = [_figure(database, name, ask, count, by_key) for name, ask in _questions(count, random).items()]
        database.dispose()
    return figures


def _questions(count: int, random: Random) -> dict[str, Callable[[int], search.Query]]:
    return {
        "no words": lambda _n: search.Query(),
        "no words, any page": lambda _n: search.Query(page=random.randrange(1 + count // search.PAGE)),
        "one common word": lambda _n: search.Query(words=search.fold(random.choice(rows.WORDS))),
        "three words": lambda _n: search.Query(words=search.fold(" ".join(random.choices(rows.WORDS, k=3)))),
        "one listing's own word": lambda _n: search.Query(words=f"ma{random.randrange(count)}"),
        "two words and two filters": lambda _n: search.Query(
            words=search.fold(" ".join(random.choices(rows.WORDS, k=2))), sector="logistics", licence="L3"
        ),
        "one common word, the cheapest under a price": lambda _n: search.Query(
            words=search.fold(random.choice(rows.WORDS)), max_price=random.randrange(50) * 1_000_000, sort="price"
        ),
        "a word that is nowhere": lambda n: search.Query(words=f"zzz{n}"),
    }


def _figure(database: Database, name: str, ask: Callable[[int], search.Query], count: int, by_key: Work) -> Figure:
    taken, bare = _times(database, lambda session, n: search.find(session, ask(n)), by_key)
    more = {
        "listings": count,
        "asked": len(taken),
        "p50": percentile(taken, 0.5),
        "baseline_p50": percentile(bare, 0.5),
    }
    kind = "sqlite" if database.is_sqlite else "postgresql"
    label = f"search, {name}, {kind}"
    return Figure(label, "ms p99", percentile(taken, 0.99), percentile(bare, 0.99), "one listing by its key", more)


def _times(database: Database, work: Work, bare: Work) -> tuple[list[float], list[float]]:
    """Milliseconds of both in each round, in turn, every one in a session of its own, as requests are; the first round
    is thrown away.
    """
    taken: list[float] = []
    plain: list[float] = []
    end = time.monotonic() + SECONDS
    for number in range(ROUNDS + 1):
        taken.append(_milliseconds(database, work, number))
        plain.append(_milliseconds(database, bare, number))
        if time.monotonic() > end and number > 1:
            break
    return taken[1:], plain[1:]


def _milliseconds(database: Database, work: Work, number: int) -> float:
    start = time.perf_counter()
    with database.reading() as session:
        work(session, number)
    return (time.perf_counter() - start) * 1000


def _fill(database: Database, count: int, random: Random) -> list[str]:
    """Published listings of twenty sellers; returns their ids."""
    now = clock.now()
    with database.writing() as session:
        sellers = [rows.organisation(session, f"Bench {n}", n, now).org_id for n in range(20)]
        files = [rows.asset(session, org_id, now) for org_id in sellers]
        session.commit()
    ids: list[str] = []
    for start in range(0, count, BATCH):
        with database.writing() as session:
            ids += _batch(session, range(start, min(start + BATCH, count)), files, random)
            session.commit()
    with database.writing() as session:
        session.exec(update(Listing).values(state=State.PUBLISHED, current_version=1))
        index.build(session.connection())
        session.commit()
    _analyse(database)
    return ids


def _batch(session: Session, numbers: range, files: list[Asset], random: Random) -> list[str]:
    now = clock.now()
    heads, versions = [], []
    for number in numbers:
        file, listing_id = files[number % len(files)], new_id()
        heads.append(
            {"id": listing_id, "org_id": file.org_id, "state": State.DRAFT, "draft": {}, "created_at": now,
             "updated_at": now}
        )  # fmt: skip
        versions.append(rows.version(random, number, listing_id, file, now))
    session.exec(insert(Listing), params=heads)
    session.exec(insert(ListingVersion), params=versions)
    return [str(head["id"]) for head in heads]


def _analyse(database: Database) -> None:
    """What any database does by itself over night: count its rows for the planner."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
