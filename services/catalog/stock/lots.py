"""gRPC server of lots: proto in, proto out."""

from __future__ import annotations

from datetime import date

from cho.catalog.v1 import lots_pb2 as pb

from kit import clock
from kit.errors import InvalidArgument
from kit.rpc.call import Call
from kit.rpc.threads import Servicers
from services.catalog.stock import deliveries
from services.catalog.stock.facts import CERTIFICATES_MAX, Certificate, Facts, day_of
from services.catalog.stock.shelf import Lot
from services.catalog.visible import keeps, kept, visible


class LotServicer:
    """The RPCs of cho.catalog.v1.LotService; roles are enforced before they are called."""

    def AddLot(self, request: pb.AddLotRequest, call: Call) -> pb.AddLotResponse:
        product = kept(request.product_id, call)
        sell_by = day_of("sell_by", request.facts.sell_by)
        lot = deliveries.add_lot(product, request.request_id, request.quantity, _facts(request.facts), sell_by)
        return pb.AddLotResponse(lot=_lot(lot, keeper=True))

    def WriteOff(self, request: pb.WriteOffRequest, call: Call) -> pb.WriteOffResponse:
        product = kept(request.product_id, call)
        lot = deliveries.write_off(
            product, request.request_id, request.lot_id, request.quantity, request.reason, call.caller.sub
        )
        return pb.WriteOffResponse(lot=_lot(lot, keeper=True))

    def ListLots(self, request: pb.ListLotsRequest, call: Call) -> pb.ListLotsResponse:
        product, today = visible(request.product_id, call), clock.today()
        keeper = keeps(product, call)
        lots = sorted(product.shelf.lots, key=lambda lot: (lot.spent, lot.last_day))
        shown = [lot for lot in lots if keeper or lot.recall_id or (lot.on_hand and lot.sellable(today))]
        return pb.ListLotsResponse(lots=[_lot(lot, keeper=keeper) for lot in shown])


def _facts(facts: pb.LotFacts) -> Facts:
    if len(facts.certificates) > CERTIFICATES_MAX:
        raise InvalidArgument(f"at most {CERTIFICATES_MAX} certificates")
    return Facts(
        grower_id=facts.grower_id,
        area_code=facts.area_code,
        harvest_day=day_of("harvest_day", facts.harvest_day),
        ocop_stars=facts.ocop_stars,
        certificates=tuple(
            Certificate(
                one.name, one.number, one.issuer, _day("valid_from", one.valid_from), _day("valid_to", one.valid_to)
            )
            for one in facts.certificates
        ),
    )


def _day(name: str, text: str) -> date:
    day = day_of(name, text)
    if day is None:
        raise InvalidArgument(f"a certificate's {name} is missing")
    return day


def _lot(lot: Lot, *, keeper: bool) -> pb.Lot:
    """A lot; its quantities, and what was lost, for those only who keep it."""
    facts = lot.facts
    reply = pb.Lot(
        lot_id=lot.id,
        facts=pb.LotFacts(
            grower_id=facts.grower_id,
            area_code=facts.area_code,
            harvest_day=facts.harvest_day.isoformat() if facts.harvest_day else "",
            ocop_stars=facts.ocop_stars,
            sell_by=lot.sell_by.isoformat() if lot.sell_by else "",
            certificates=[
                pb.Certificate(
                    name=one.name,
                    number=one.number,
                    issuer=one.issuer,
                    valid_from=one.valid_from.isoformat(),
                    valid_to=one.valid_to.isoformat(),
                )
                for one in facts.certificates
            ],
        ),
        for_sale=lot.on_hand > 0 and lot.sellable(clock.today()),
        sold_until=lot.until.isoformat() if lot.until else "",
        recalled=bool(lot.recall_id),
    )
    if keeper:
        reply.received, reply.on_hand, reply.reserved = lot.received, lot.on_hand, lot.reserved
        reply.sold, reply.written_off = lot.sold, lot.written_off
        for loss in lot.losses:
            reply.losses.add(quantity=loss.quantity, reason=loss.reason, by=loss.by).at.FromDatetime(loss.at)
    return reply


def lot_servicers() -> Servicers:
    """What this room serves, by service descriptor."""
    return [(pb.DESCRIPTOR.services_by_name["LotService"], LotServicer())]
