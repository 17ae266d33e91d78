"""Every RPC of identity with every role, with none and with a forged one, against the table in roles.txt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import grpc
import pytest

from kit import clock
from kit.config import settings
from kit.rpc.threads import Server
from services.identity import store
from services.identity import user as users
from services.identity.external.provider import Provider
from services.identity.server import servicers
from tests import role_table
from tests.identity.conftest import Messages, employ

Outcomes = list[tuple[str, str, str]]

TABLE = role_table.read(Path(__file__).with_name("roles.txt"))


def test_the_table_and_the_protos_say_the_same() -> None:
    assert role_table.declared("identity") == TABLE


@pytest.fixture
def outcomes(database: None, hasher: store.Hasher, messages: Messages) -> Iterator[Callable[[], Outcomes]]:
    """Tries every RPC with everybody, as who they are by then."""
    store.rotate_keys(clock.now())
    with closing(Provider(settings(), clock.now)) as provider:
        served = servicers(messages.courier, provider, hasher)
        server = Server("127.0.0.1:0", served)
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield lambda: list(role_table.tried(served, channel))
        server.stop()


def test_every_rpc_lets_in_whom_the_table_names_and_nobody_else(outcomes: Callable[[], Outcomes]) -> None:
    for role in users.ROLES:
        employ(f"usr_{role}", role)
    tried = outcomes()
    wrong = [
        (name, who, code)
        for name, who, code in tried
        if ("in" if role_table.let_in(code) else code) != role_table.allowed(TABLE, name, who)
    ]
    assert not wrong
    assert {name for name, _, _ in tried} == TABLE.keys(), "all of them are served"
    assert not [one for one in tried if one[2] in ("INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "PERMISSION_DENIED")]


def test_what_takes_an_office_is_refused_to_whoever_lost_it_since_their_token_was_made(
    outcomes: Callable[[], Outcomes],
) -> None:
    for role in users.ROLES:
        employ(f"usr_{role}", "shopper")
    offices = {name for name, roles in TABLE.items() if roles.isdisjoint((role_table.ANYONE, "shopper"))}
    acted = {(name, code) for name, who, code in outcomes() if name in offices and who in TABLE[name]}
    assert acted == {(name, "PERMISSION_DENIED") for name in offices}


@pytest.mark.parametrize(
    "line",
    [
        "SessionService.EndSession",
        "SessionService.EndSession emperor",
        "SessionService.EndSession anyone operator",
        "SessionService.EndSession operator\nSessionService.EndSession operator",
    ],
)
def test_a_table_that_says_nothing_or_two_things_is_none(tmp_path: Path, line: str) -> None:
    (tmp_path / "roles.txt").write_text(line)
    with pytest.raises(AssertionError):
        role_table.read(tmp_path / "roles.txt")
