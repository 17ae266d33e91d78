"""Names of keys, in one place (DESIGN sections 4 and 5).

Every key of a cell carries its hash tag, so that a cell is one slot of a cluster. A service has one stream,
`<service>:events`; a group is called `<service>.<purpose>` after who listens.
"""

from kit.config import SERVICES, settings

# Money that is set aside is told apart from money that is there (services/payments/worker.py).
HOLDS = "payments:holds"
# Payments that name an order or bill, and what was given back of any. Most payments are typed at the stall and name
# nothing: who hears of these alone is not woken, and acknowledges nothing, for every other.
NAMED = "payments:named"
# What is heard by groups.
STREAMS = (*(f"{service}:events" for service in SERVICES), HOLDS, NAMED)


def ledger() -> str:
    """The cell's ledger stream; entry ids are `<seq>-0`."""
    return f"{{{settings().cell}}}:ledger"


def cursor(purpose: str) -> str:
    """Sequence number up to which this reader of the ledger has acted."""
    return f"{{{settings().cell}}}:cursor:{purpose}"


def readers() -> str:
    """Set of the purposes that the ledger has to be kept for."""
    return f"{{{settings().cell}}}:readers"


def reader_lease(purpose: str) -> str:
    """Who may act as this reader of the ledger."""
    return f"{{{settings().cell}}}:lease:{purpose}"


def relay_lease(stream: str, collection: str) -> str:
    """Who may publish this collection's events to this stream."""
    return f"{stream}:lease:{collection}"


def published(stream: str) -> str:
    """How many events the relay's last round brought to this stream; written to know that copies have them."""
    return f"{stream}:published"


def dead(stream: str, group: str) -> str:
    """Entries of `stream` that this group gave up on, each with its error."""
    return f"{stream}:dead:{group}"


def again(stream: str, group: str) -> str:
    """Entries that an operator gave back to this group alone; the others have had them."""
    return f"{stream}:again:{group}"
