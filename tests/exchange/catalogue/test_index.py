"""The index of the catalogue answers like a plain reading of the tables, on both databases, whatever was done."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from threading import Thread
from typing import Any

import pytest
from alembic import command
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlmodel import Session, col, func, insert, select, update

from exchange import clock
from exchange.bench import rows
from exchange.catalogue import index, moderation, search, service
from exchange.catalogue.models import Asset, IndexRow, Listing, ListingVersion
from exchange.catalogue.vocabulary import SECTORS, State
from exchange.cli import main
from exchange.config import Config
from exchange.db import Database
from exchange.migrations import alembic_config, upgrade
from tests.exchange.catalogue.conftest import PROFILE
from tests.exchange.people import People

Maker = Callable[..., Listing]
TEXTS = [
    "gạo",
    "gà",
    "cà phê",
    "Cảng biển",
    "đường",
    "đường biển",
    "dữ liệu 2026",
    "port",
    "ports",
    "portfolio",
    "x" * 30,
]
ASKED = ["gao", "GÀ", "ca", "cang b", "duong", "du lieu", "2", "por", "port", "ortfolio", "x" * 27, "x" * 23 + "y", "%"]


def shop(session: Session, people: People) -> Asset:
    """A file whose organisation sells."""
    file = rows.asset(session, people.provider().org_id, clock.now())
    file.columns = PROFILE.columns
    return file


def offer(random: Random, number: int, listing_id: str, file: Asset) -> dict[str, Any]:
    """A version of few different words, prices and filters, so that many have the same."""
    free = random.random() < 0.2
    return rows.version(random, 0, listing_id, file, clock.now()) | {
        "number": number,
        "price_vnd": 0 if free else random.choice([1, 2, 1_000, 999_999, 1_000_000, 2**40]),
        "classification": "MO" if free else random.choice(["TC", "GO"]),
        "licence": random.choice(["L0", "L1"] if free else ["L1", "L3"]),
        "search_text": search.fold(" ".join(random.choices(TEXTS, k=3))),
    }


def questions(random: Random, count: int) -> Iterator[search.Query]:
    """Questions of words, filters, orders and pages that do not fit together on purpose."""
    for _ in range(count):
        yield search.Query(
            words=" ".join(random.choices(ASKED, k=random.choice([0, 1, 2]))),
            sector=random.choice(["", "", *SECTORS]),
            classification=random.choice(["", "", "TC", "MO", "BM"]),
            licence=random.choice(["", "", "L1", "L0", "L9\0"]),
            free=random.random() < 0.1,
            max_price=random.choice([None, None, 0, 1, 999_999, 10**15]),
            sort=random.choice(search.SORTS),
            page=random.choice([1, 1, 2, 3, 99]),
        )


def matches(version: ListingVersion, query: search.Query, without: str = "") -> bool:
    words = [word[: index.LONGEST] for word in version.search_text.split()]
    asked = [term[: index.LONGEST] for term in search.fold(query.words).split()]
    return (
        all(any(word.startswith(term) for word in words) for term in asked)
        and all(getattr(query, name) in ("", getattr(version, name)) for name in index.FACETS if name != without)
        and (not query.free or version.price_vnd == 0)
        and (query.max_price is None or version.price_vnd <= query.max_price)
    )


def plainly(session: Session, query: search.Query) -> tuple[list[int], int, int, dict[str, dict[str, int]]]:
    """By reading everything: the page's positions, the total, the page, the facets."""
    statement = select(ListingVersion).join(Listing, col(Listing.id) == col(ListingVersion.listing_id))
    on_show = session.exec(
        statement.where(Listing.state == "published", Listing.current_version == ListingVersion.number)
    ).all()
    first = {"name": lambda v: v.search_text, "price": lambda v: v.price_vnd}.get(query.sort, lambda _v: 0)
    found = sorted((v for v in on_show if matches(v, query)), key=lambda v: (first(v), -v.position))
    page = min(query.page, max(1, -(-len(found) // search.PAGE)))
    facets = {
        name: dict(Counter(getattr(v, name) for v in on_show if matches(v, query, without=name)))
        for name in index.FACETS
    }
    here = found[(page - 1) * search.PAGE : page * search.PAGE]
    return [v.position for v in here], len(found), page, facets


def indexed(session: Session, query: search.Query) -> tuple[list[int], int, int, dict[str, dict[str, int]]]:
    found = search.find(session, query)
    facets = {name: dict(counts) for name, counts in found.facets.items()}
    return [hit.version.position for hit in found.hits], found.total, found.page, facets


def kept(session: Session) -> dict[tuple[str, int], bytes]:
    """The whole index; a row without bits says the same as none."""
    found = session.exec(select(IndexRow.key, IndexRow.block, IndexRow.bits)).all()
    return {(key, block): bits for key, block, bits in found if bits or key == ":next"}


def test_the_index_agrees_with_a_plain_reading_whatever_is_done(session: Session, people: People) -> None:
    random = Random(22)
    file = shop(session, people)
    session.exec(update(IndexRow).values(block=index.BLOCK - 70))  # so that the versions lie in two blocks
    listings: list[Listing] = []
    for act in range(140):
        if act < 50 or random.random() < 0.3:
            listings.append(Listing(org_id=file.org_id, created_at=clock.now(), updated_at=clock.now()))
            session.add(listings[-1])
            session.flush()
        listing = random.choice(listings[-20:])
        mine = col(ListingVersion.listing_id) == listing.id
        last = session.exec(select(func.count()).select_from(ListingVersion).where(mine)).one()
        if last == 0 or random.random() < 0.5:
            last += 1
            session.add(ListingVersion(**offer(random, last, listing.id, file)))
            session.flush()
        listing.state = random.choice(["published", "published", "suspended", "withdrawn"])  # type: ignore[assignment]
        listing.current_version = random.choice([last, max(1, last - 1)])
        session.flush()
    assert {block for _key, block in kept(session)} > {0, 1}
    total = 0
    for query in questions(random, 120):
        assert indexed(session, query) == plainly(session, query), query
        total += search.find(session, query).total
    assert total > 200  # else the questions prove nothing


def test_each_act_of_a_listings_life_is_followed_at_once(
    on_show: Maker, session: Session, people: People, now: Any
) -> None:
    seller, operator = people.provider(), people.operator()
    listing = on_show(name="Gạo")

    def totals() -> tuple[int, int]:
        return search.find(session, search.Query("gao")).total, search.find(session, search.Query("lua")).total

    assert totals() == (1, 0)
    service.save_draft(session, seller, listing.id, {"name": "Lúa"}, now)
    service.submit(session, seller, listing.id, now)
    assert totals() == (1, 0)  # what waits for review is not found
    moderation.send_back(session, operator, listing.id, "Sai", now)
    service.submit(session, seller, listing.id, now)
    moderation.approve(session, operator, listing.id, personal_data_checked=True, now=now)
    assert totals() == (0, 1)
    moderation.suspend(session, operator, listing.id, "Khiếu nại", now)
    assert totals() == (0, 0)
    moderation.resume(session, operator, listing.id, "Xong", now)
    assert totals() == (0, 1)
    service.withdraw(session, seller, listing.id, now)
    assert totals() == (0, 0)
    service.submit(session, seller, listing.id, now)
    moderation.approve(session, operator, listing.id, personal_data_checked=True, now=now)
    assert totals() == (0, 1)
    followed = kept(session)
    index.build(session.connection())
    assert kept(session) == followed


def test_a_session_finds_what_it_has_just_changed(on_show: Maker, session: Session) -> None:
    listing = on_show()
    listing.state = State.WITHDRAWN
    assert search.find(session, search.Query()).total == 0


def test_what_is_undone_leaves_nothing_in_the_index(on_show: Maker, session: Session, people: People, now: Any) -> None:
    listing = on_show()
    before = kept(session)
    service.submit(session, people.provider(), listing.id, now)
    service.withdraw(session, people.provider(), listing.id, now)
    assert kept(session) != before
    session.rollback()
    assert kept(session) == before


def test_what_several_write_at_the_same_time_all_stands_in_the_index(database: Database, people: People) -> None:
    with database.writing() as session:
        file = shop(session, people)
        session.commit()

    def sell(seed: int) -> None:
        random = Random(seed)
        for _ in range(8):
            with database.writing() as session:
                listing = Listing(org_id=file.org_id, created_at=clock.now(), updated_at=clock.now())
                session.add(listing)
                session.flush()
                session.add(ListingVersion(**offer(random, 1, listing.id, file)))
                session.commit()
            with database.writing() as session:
                session.add(listing)
                listing.state, listing.current_version = "published", 1  # type: ignore[assignment]
                session.commit()

    threads = [Thread(target=sell, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.writing() as session:
        assert search.find(session, search.Query()).total == 32
        followed = kept(session)
        index.build(session.connection())
        assert kept(session) == followed


@pytest.fixture
def crowd(session: Session, people: People) -> int:
    """More listings than can be ordered by name, written past the ORM."""
    random, count, file = Random(7), search.MAX_BY_NAME + 30, shop(session, people)
    ids = [f"listing-{number}" for number in range(count)]
    heads = {"org_id": file.org_id, "state": "draft", "draft": {}, "created_at": clock.now(), "updated_at": clock.now()}
    session.exec(insert(Listing), params=[{**heads, "id": one} for one in ids])
    first = index.BLOCK - 500
    versions = [offer(random, 1, one, file) | {"position": first + number} for number, one in enumerate(ids)]
    session.exec(insert(ListingVersion), params=versions)
    session.exec(update(Listing).values(state="published", current_version=1))
    index.build(session.connection())
    session.commit()
    return count


def test_many_results_are_counted_paged_and_ordered(crowd: int, session: Session, client: FlaskClient) -> None:
    asked = search.Query(page=27)  # from two blocks
    for query in (asked, replace(asked, sort="price"), replace(asked, words="p", page=3), replace(asked, page=10**6)):
        assert indexed(session, query) == plainly(session, query), query
    by_name = search.find(session, replace(asked, sort="name"))
    assert by_name.sort == "newest"
    assert by_name.hits == search.find(session, asked).hits
    fewer = replace(asked, words="p", sort="name", page=2)
    assert 500 < search.find(session, fewer).total <= search.MAX_BY_NAME
    assert indexed(session, fewer) == plainly(session, fewer)
    assert "Only up to 1,000 results can be ordered by name" in client.get("/?sort=name&lang=en").text
    assert "Chỉ sắp xếp được theo tên" in client.get("/?sort=name&lang=vi").text
    assert "ordered by name" not in client.get("/?sort=name&q=p&lang=en").text
    told = client.get("/api/v1/listings?sort=name").json
    assert told is not None
    assert (told["total"], told["sort"]) == (crowd, "newest")


def test_listings_from_before_the_index_are_found_in_the_same_order(
    on_show: Maker, session: Session, people: People, now: Any, database_url: str, database: Database
) -> None:
    seller = people.provider()
    for name in ("Gạo", "Gà", "Cá"):
        on_show(name=name)
    service.withdraw(session, seller, on_show(name="Gỗ").id, now)
    session.commit()
    before = {words: indexed(session, search.Query(words)) for words in ("", "g", "cang")}
    assert before[""][1] == 3
    session.close()
    database.dispose()
    command.downgrade(alembic_config(database_url), "0021")
    upgrade(database_url)
    for words, answer in before.items():
        page, *rest = indexed(session, search.Query(words))
        assert (sorted(page), rest) == (sorted(answer[0]), [*answer[1:]])
        assert indexed(session, search.Query(words)) == plainly(session, search.Query(words))


def test_every_key_fits_its_column() -> None:
    keys = [index.of_value(facet, value) for facet, values in index.FACETS.items() for value in values]
    longest = IndexRow.__table__.c.key.type.length  # type: ignore[attr-defined]
    assert max(map(len, [*keys, *index.PRICE, "x" * index.LONGEST])) <= longest


def test_the_operator_makes_the_index_anew_by_command(on_show: Maker, session: Session, config: Config) -> None:
    """Somebody has changed listings in the database, past the exchange."""
    listing = on_show(name="Giá gạo")
    session.commit()
    session.exec(update(Listing).where(col(Listing.id) == listing.id).values(state=State.SUSPENDED))
    session.commit()
    assert search.find(session, search.Query(words="gạo")).total == 1
    assert not search.find(session, search.Query(words="gạo")).hits
    session.rollback()
    environ = {"MINHBACH_HOME": str(config.home), "MINHBACH_DATABASE_URL": config.database_url}
    done = CliRunner(env=environ).invoke(main, ["db", "reindex"])
    assert done.exit_code == 0, done.output
    assert search.find(session, search.Query(words="gạo")).total == 0
