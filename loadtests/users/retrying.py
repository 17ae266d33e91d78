"""A shopper with a bad connection: the phone sends a fifth of the payments again, with the same key."""

from __future__ import annotations

from loadtests.users.shopper import Shopper

RESEND_SHARE = 0.2


class RetryingShopper(Shopper):
    """Also sends again what got no answer, until it gets one."""

    weight = 2
    resend_share = RESEND_SHARE
