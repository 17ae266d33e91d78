"""How others have the clerk do something soon. A call that is lost costs half a minute: then it is started anyway."""

from __future__ import annotations

from datetime import datetime

import redis

from kit import log
from kit.streams import clients
from services.settlement.payouts import rules
from services.settlement.payouts import store as payouts

KEY = "settlement:clerk:wake"

_logger = log.logger(__name__)


def clerk() -> None:
    """Has the worker start it within a second."""
    try:
        clients.streams().set(KEY, "1", ex=60)
    except redis.RedisError as error:
        _logger.warning("the clerk is not called", reason=str(error))


def wanted() -> bool:
    """Whether somebody asked for it since the last time. Raises redis.RedisError."""
    return bool(clients.streams().getdel(KEY))


def ask_for(payout_id: str, merchant_id: str, amount: int, at: datetime, asked: int | None = None) -> None:
    """Notes a payout that a merchant asks for; asked again, it is the same. Where it goes to, the clerk finds out.

    `asked`: the amount as the request had it, 0 for all that there is; `amount` unless said.
    """
    made = payouts.new(payout_id, 0, merchant_id, amount, rules.ON_DEMAND_FEE_VND, at, {"bin": "-"})
    payouts.insert([made | {"asked": amount if asked is None else asked}])
