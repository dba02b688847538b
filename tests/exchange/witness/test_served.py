"""The commands as people run them: an exchange and a witness, each in processes of its own."""

import shutil
import time
from pathlib import Path

from contracts.log import checkpoint
from contracts.log.checkpoint import format_vkey, parse_vkey
from contracts.log.policy import check_policy, parse_policy
from exchange import audit, clock
from exchange.app import create_app
from exchange.config import Config
from tests.exchange.people import People
from tests.exchange.witness.running import RunningWitness, ask, free_port, minhbach, until_it_answers


def test_an_exchange_that_is_served_has_its_heads_cosigned_from_the_start(
    running: RunningWitness, tmp_path: Path, sqlite_template: Path
) -> None:
    home, policy = tmp_path / "home", tmp_path / "policy"
    home.mkdir()
    shutil.copy(sqlite_template, home / "minhbach.sqlite")
    policy.write_text(f"witness w {format_vkey(running.book.key)} {running.address}\nquorum w\n")
    env = {"MINHBACH_HOME": str(home), "MINHBACH_WITNESS_POLICY": str(policy)}
    running.book.add_log(first_record(Config.from_environ(env)))
    address = f"http://127.0.0.1:{free_port()}"
    server = minhbach("serve", "--bind", address.removeprefix("http://"), **env)
    try:
        until_it_answers(address)
        deadline = time.monotonic() + 20
        while (answer := ask(f"{address}/log/checkpoint")).status != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        opened = check_policy(parse_policy(ask(f"{address}/log/keys").text), answer.text)
        assert [one.key for one in opened.cosigned] == [running.book.key]
        assert running.book.logs()[0].size == opened.checkpoint.size
    finally:
        server.terminate()
        assert server.wait(20) == 0


def first_record(config: Config) -> str:
    """One record under a signed head; the log's public key."""
    app = create_app(config)
    database = app.extensions["minhbach.database"]
    with database.writing() as session:
        actor = People(app, database).provider()
        audit.record(session, "listing.submitted", actor, on=["listing:l1"], now=clock.now())
        session.commit()
    app.extensions["minhbach.sequencer"].run_once()
    text = app.test_client().get("/log/keys").text
    database.dispose()
    key = parse_vkey(text.split()[1])
    assert key.type == checkpoint.KeyType.ED25519
    return format_vkey(key)
