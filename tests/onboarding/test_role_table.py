"""Every RPC of onboarding with every role, with none and with a forged one, against the table in roles.txt."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from kit.rpc.threads import Server
from services.onboarding.server import servicers
from tests import role_table

TABLE = role_table.read(Path(__file__).with_name("roles.txt"))


def test_the_table_and_the_protos_say_the_same() -> None:
    assert role_table.declared("onboarding") == TABLE, "a new RPC gets its line in tests/onboarding/roles.txt"


@pytest.mark.usefixtures("database")
def test_every_rpc_lets_in_whom_the_table_names_and_nobody_else() -> None:
    served = servicers()
    server = Server("127.0.0.1:0", served)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        outcomes = list(role_table.tried(served, channel))
    server.stop()
    wrong = [
        (name, who, code)
        for name, who, code in outcomes
        if ("in" if role_table.let_in(code) else code) != role_table.allowed(TABLE, name, who)
    ]
    assert not wrong
    assert not [one for one in outcomes if one[2] in ("INTERNAL", "UNKNOWN", "UNIMPLEMENTED")]
