"""gRPC of the pulse: proto in, proto out."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

from cho.onboarding.v1 import pulse_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit import clock
from kit.errors import InvalidArgument
from kit.rpc.call import Call
from services.onboarding.market import Market
from services.onboarding.places import table
from services.onboarding.pulse import store
from services.onboarding.pulse.store import EMPTY, Day
from services.onboarding.pulse.tally import compared_with, csv_days, last_hour, moment, up_to
from services.onboarding.store.markets import markets

COLUMNS = (
    "day", "market_id", "market", "ward_code", "ward", "payments", "amount_dong", "merchants_paid", "whole",
)  # fmt: skip
# Below what gRPC takes (1 MB).
FILE_BYTES_MAX = 1_000 << 10


class PulseServicer:
    """The RPCs of cho.onboarding.v1.PulseService."""

    def GetPulse(self, request: pb.GetPulseRequest, call: Call) -> pb.GetPulseResponse:
        today, minute = moment(clock.now_ms())
        read, listed = store.payments_read(), markets()
        before = {market.market_id: compared_with(market.days, today) for market in listed}
        yesterday = today - timedelta(days=1)
        days = store.days_of((market_id, day) for market_id, like in before.items() for day in {today, yesterday, like})
        reply = pb.GetPulseResponse(day=today.isoformat(), whole=read.whole(today))
        if read.read_ms:
            reply.as_of.FromMilliseconds(read.read_ms)
        for market in listed:
            of = {day: days.get((market.market_id, day), EMPTY) for day in (today, yesterday, before[market.market_id])}
            said = _pulse(market, of[today], of[yesterday], minute)
            like = before[market.market_id]
            said.before_day = like.isoformat()
            if read.whole(like):
                said.before.CopyFrom(_totals(of[like], minute))
            reply.markets.append(said)
        return reply

    def GetPulseCsv(self, request: pb.GetPulseCsvRequest, call: Call) -> HttpBody:
        today, _ = moment(clock.now_ms())
        asked, listed, read = csv_days(getattr(request, "from"), request.to, today), markets(), store.payments_read()
        text = io.StringIO()
        lines = csv.writer(text)
        lines.writerow(COLUMNS)
        for day in asked:
            found = store.days_of((market.market_id, day) for market in listed)
            for market in sorted(listed, key=lambda one: one.market_id):
                of = found.get((market.market_id, day), EMPTY)
                lines.writerow(_line(market, day, of, whole=read.whole(day)))
        data = b"\xef\xbb\xbf" + text.getvalue().encode()
        if len(data) > FILE_BYTES_MAX:
            raise InvalidArgument(f"{len(asked)} days of {len(listed)} markets do not fit one file: ask for fewer days")
        return HttpBody(content_type="text/csv; charset=utf-8", data=data)


def _pulse(market: Market, today: Day, yesterday: Day, minute: int) -> pb.MarketPulse:
    # Of a market of before July 2025 whose commune nobody has confirmed, not known.
    latitude, longitude = table.middle(market.ward_code)
    return pb.MarketPulse(
        latitude=latitude,
        longitude=longitude,
        market_id=market.market_id,
        name=market.name,
        ward_code=market.ward_code,
        ward_name=market.ward_name,
        today=_totals(today, minute),
        merchants_paid=today.merchants_paid,
        payments_by_minute=last_hour(today.payments, yesterday.payments, minute),
        amount_by_minute=last_hour(today.amount, yesterday.amount, minute),
    )


def _totals(day: Day, minute: int) -> pb.Totals:
    return pb.Totals(payments=up_to(day.payments, minute), amount=up_to(day.amount, minute))


def _line(market: Market, day: date, of: Day, *, whole: bool) -> tuple[object, ...]:
    # A name that begins like a formula is none to a spreadsheet.
    name = f"'{market.name}" if market.name[:1] in "=+-@\t\r" else market.name
    return (
        day.isoformat(), market.market_id, name, market.ward_code, market.ward_name, sum(of.payments.values()),
        sum(of.amount.values()), of.merchants_paid, "yes" if whole else "no",
    )  # fmt: skip
