"""What a failed call to the card provider proves about the money. Pure.

Only the provider's own word counts: an answer that is not in its shape may come from something in between, after the
call was executed. So whatever is not understood is `Unknown`.
"""

from __future__ import annotations


class CardFailure(Exception):
    """A call that brought no result. `status` is HTTP's, 0 where nothing was answered.

    `type`, `code`, `request_id`: the provider's, "" where it gave none.
    """

    def __init__(self, message: str, *, status: int = 0, type: str = "", code: str = "", request_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.code = code
        self.request_id = request_id


class NotExecuted(CardFailure):
    """This call did nothing: not connected, not let in (401, 403), too many (429). The same call may go again later.

    It says nothing of earlier calls with the same key.
    """


class Declined(CardFailure):
    """The card's bank said no (402), and that is the key's answer for good.

    `decline_code` says why ("insufficient_funds"; "" where the bank did not say). The intent, where there is one, stays
    at the provider and waits for another card: cancel it, or confirm it with one.
    """

    def __init__(self, message: str, *, decline_code: str = "", intent_id: str = "", **answer: object) -> None:
        super().__init__(message, **answer)  # type: ignore[arg-type]
        self.decline_code = decline_code
        self.intent_id = intent_id


class Invalid(CardFailure):
    """The provider will never do this (400, 404): wrong parameters, or not in the object's present state."""


class NotThere(Invalid):
    """It has no such object."""


class KeyMisused(Invalid):
    """The key belongs to another call, which may well have been executed: a fault of ours."""


class Unknown(CardFailure):
    """It may have been executed, or may still be: send the same call with the same key, or look, until it is known."""


class KeyInUse(Unknown):
    """A call with the same key is being executed right now (409)."""
