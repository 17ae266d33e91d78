"""How the platform answers who moves money."""

from __future__ import annotations

from cho.payments.v1 import levels_pb2 as pb

from kit.rpc.call import Call
from services.payments.levels import Level, together
from services.payments.store.ledger import Ledger
from services.payments.store.levels import Levels


class LevelsServicer:
    """See protos/cho/payments/v1/levels.proto."""

    def __init__(self, ledger: Ledger, levels: Levels) -> None:
        self._ledger, self._levels = ledger, levels

    async def GetServiceLevels(self, request: pb.GetServiceLevelsRequest, call: Call) -> pb.GetServiceLevelsResponse:
        hour = await self._levels.hour()
        seq, _ = await self._ledger.head()
        behind = await self._ledger.behind()
        return pb.GetServiceLevelsResponse(
            minutes=[_told(at_ms, one) for at_ms, one in hour],
            hour=_told(hour[0][0], together([one for _, one in hour])),
            ledger_seq=seq,
            readers=[pb.ReaderLag(purpose=purpose, behind=events) for purpose, events in behind.items()],
        )


def _told(at_ms: int, one: Level) -> pb.MinuteLevel:
    said = pb.MinuteLevel(
        done=one.done, refused=one.refused, failed=one.failed, p50_ms=one.percentile(50), p99_ms=one.percentile(99)
    )
    said.at.FromMilliseconds(at_ms)
    return said
