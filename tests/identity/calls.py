"""Identity's RPCs as tests call them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import grpc
import pytest

from kit.rpc.status import error_code
from tests.identity.conftest import claims

Metadata = tuple[tuple[str, str], ...]


def refused(call: Any, request: object, metadata: Metadata = ()) -> str:
    """The code of the error that the call ends with."""
    with pytest.raises(grpc.RpcError) as error:
        call(request, metadata=metadata)
    return error_code(error.value)


def outcome(call: Callable[[], object]) -> str:
    """The code of the error that it ends with, or "OK"."""
    try:
        call()
    except grpc.RpcError as error:
        return error_code(error)
    return "OK"


def with_pin(sub: str, role: str, now: datetime, **more: str) -> Metadata:
    """Somebody who has just entered their PIN."""
    return claims(sub, role, **{"pin-at": str(int(now.timestamp()))}, **more)
