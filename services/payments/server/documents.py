"""Payments' documents from the event loop: each call in a thread, and only once they can be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from mongoengine.connection import ConnectionFailure
from pymongo.errors import AutoReconnect, PyMongoError

from kit import log
from kit.errors import OutcomeUnknown, Unavailable
from kit.rpc.status import CUT_OFF

_logger = log.logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class Documents:
    """`opened` is set once they can be reached: payments themselves do not wait for that."""

    def __init__(self, opened: asyncio.Event) -> None:
        self._opened = opened

    async def __call__(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a call of `store` returns.

        Raises Unavailable where the documents cannot be reached, OutcomeUnknown where they were lost on the way.
        """
        if not self._opened.is_set():
            raise Unavailable("this part is not ready yet; nothing was done")
        try:
            return await asyncio.to_thread(call, *args, **kwargs)
        except AutoReconnect as error:
            _logger.warning("documents lost on the way", error=str(error))
            raise OutcomeUnknown(CUT_OFF.message) from error
        except (PyMongoError, ConnectionFailure) as error:
            _logger.warning("documents not reached", error=str(error))
            raise Unavailable("not possible now: send the same request again") from error
