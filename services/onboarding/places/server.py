"""gRPC of places, markets' days, sections and stalls: proto in, proto out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from cho.onboarding.v1 import places_pb2 as pb

from kit import clock, marketrule
from kit.errors import InvalidArgument, NotFound, WrongState
from kit.ids import key_time_ms
from kit.marketday import market_day
from kit.marketrule import MarketDays, Rule
from kit.rpc.call import Call
from services.onboarding.market import NAME_CHARACTERS_MAX, REASON_CHARACTERS_MAX, Market, market_id_of
from services.onboarding.places import stall, table
from services.onboarding.places.stall import Section, Stall, StallState
from services.onboarding.places.words import text
from services.onboarding.store import stalls
from services.onboarding.store.markets import change_market, create_market, market_by_id, open_market

DATES_USUAL = 10

_KINDS = {kind: getattr(pb, f"PLACE_KIND_{kind.name}") for kind in table.Kind}
_RULES = {getattr(pb, f"MARKET_DAY_RULE_{rule.name}"): rule for rule in Rule}
_RULE_NUMBERS = {rule: number for number, rule in _RULES.items()}
_STALL_STATES = {state: getattr(pb, f"STALL_STATE_{state.name}") for state in StallState}


class PlacesServicer:
    """The RPCs of cho.onboarding.v1.PlacesService."""

    def ListProvinces(self, request: pb.ListProvincesRequest, call: Call) -> pb.ListProvincesResponse:
        return pb.ListProvincesResponse(provinces=[_province(one) for one in table.provinces()])

    def ListWards(self, request: pb.ListWardsRequest, call: Call) -> pb.ListWardsResponse:
        return pb.ListWardsResponse(wards=[_ward(one) for one in table.wards(request.province_code)])

    def GetWard(self, request: pb.GetWardRequest, call: Call) -> pb.GetWardResponse:
        ward, formed = table.ward(request.ward_code), table.formed_from(request.ward_code)
        return pb.GetWardResponse(ward=_ward(ward), formed_from=[_place(one) for one in formed])

    def SearchPlaces(self, request: pb.SearchPlacesRequest, call: Call) -> pb.SearchPlacesResponse:
        found = table.search(request.query, request.province_code, request.limit)
        return pb.SearchPlacesResponse(places=[_place(one) for one in found])


class MarketServicer:
    """The RPCs of cho.onboarding.v1.MarketService."""

    def GetMarket(self, request: pb.GetMarketRequest, call: Call) -> pb.GetMarketResponse:
        return pb.GetMarketResponse(market=_market(market_by_id(request.market_id)))

    def ListMarketDays(self, request: pb.ListMarketDaysRequest, call: Call) -> pb.ListMarketDaysResponse:
        market = market_by_id(request.market_id)
        today = datetime.now(clock.VIETNAM).date()
        first = _date(getattr(request, "from"), "from") if getattr(request, "from") else today
        held = marketrule.UNKNOWN if market.closed else market.days
        found = marketrule.next_days(held, first, request.limit or DATES_USUAL)
        return pb.ListMarketDaysResponse(dates=[_market_date(day) for day in found])

    def CreateMarket(self, request: pb.CreateMarketRequest, call: Call) -> pb.CreateMarketResponse:
        if key_time_ms(request.request_id) is None:
            raise InvalidArgument("request_id must be a UUIDv7 in lower case")
        ward = table.ward(request.ward_code)
        market = Market(
            market_id=market_id_of(request.request_id),
            name=text(request.name, "name", NAME_CHARACTERS_MAX),
            ward_code=ward.code,
            ward_name=ward.name,
            province_name=ward.province.name,
            days=_days(request.market_days) if request.HasField("market_days") else marketrule.UNKNOWN,
        )
        return pb.CreateMarketResponse(market=_market(create_market(market, call.traceparent)))

    def ChangeMarket(self, request: pb.ChangeMarketRequest, call: Call) -> pb.ChangeMarketResponse:
        _version(request.version)
        name = text(request.name, "name", NAME_CHARACTERS_MAX) if request.name else ""
        held = _days(request.market_days) if request.HasField("market_days") else None

        def change(market: Market) -> Market:
            _require_open(market)
            return replace(market, name=name or market.name, days=market.days if held is None else held)

        changed = change_market(request.market_id, change, version=request.version, traceparent=call.traceparent)
        return pb.ChangeMarketResponse(market=_market(changed))

    def CloseMarket(self, request: pb.CloseMarketRequest, call: Call) -> pb.CloseMarketResponse:
        reason = text(request.reason, "reason", REASON_CHARACTERS_MAX)

        def close(market: Market) -> Market:
            return market if market.closed else replace(market, closed=True, reason=reason)

        closed = change_market(request.market_id, close, traceparent=call.traceparent)
        return pb.CloseMarketResponse(market=_market(closed))

    def PutSection(self, request: pb.PutSectionRequest, call: Call) -> pb.PutSectionResponse:
        wanted = request.section
        section = stall.checked_section(Section(wanted.code, wanted.name, wanted.closed))
        open_stalls = any(state is StallState.OPEN for _, state in stalls.numbers(request.market_id, section.code))

        def put(market: Market) -> Market:
            _require_open(market)
            return replace(market, sections=stall.put_section(market.sections, section, open_stalls=open_stalls))

        changed = change_market(request.market_id, put, traceparent=call.traceparent)
        return pb.PutSectionResponse(market=_market(changed))

    def CreateStalls(self, request: pb.CreateStallsRequest, call: Call) -> pb.CreateStallsResponse:
        market = open_market(request.market_id)
        sections = {section.code for section in market.sections if not section.closed}
        wanted = [Stall(market.market_id, s.number, s.position.x_cm, s.position.y_cm) for s in request.stalls]
        for one in wanted:
            _require_section(sections, one.number)
        made = stalls.create_stalls(market.market_id, wanted, call.traceparent)
        return pb.CreateStallsResponse(stalls=[_stall(one) for one in made])

    def ChangeStall(self, request: pb.ChangeStallRequest, call: Call) -> pb.ChangeStallResponse:
        _version(request.version)
        market = open_market(request.market_id)
        if request.new_number:
            _require_section({section.code for section in market.sections if not section.closed}, request.new_number)
            _require_free(request.market_id, request.number)

        def change(found: Stall) -> Stall:
            if found.state is StallState.CLOSED:
                raise WrongState(f"stall {found.number} is closed")
            moved = request.position if request.HasField("position") else pb.Position(x_cm=found.x_cm, y_cm=found.y_cm)
            return replace(found, number=request.new_number or found.number, x_cm=moved.x_cm, y_cm=moved.y_cm)

        changed = stalls.change_stall(
            request.market_id, request.number, change, version=request.version, traceparent=call.traceparent
        )
        return pb.ChangeStallResponse(stall=_stall(changed))

    def CloseStall(self, request: pb.CloseStallRequest, call: Call) -> pb.CloseStallResponse:
        reason = text(request.reason, "reason", stall.REASON_CHARACTERS_MAX)
        _require_free(request.market_id, request.number)

        def close(found: Stall) -> Stall:
            return found if found.state is StallState.CLOSED else replace(found, state=StallState.CLOSED, reason=reason)

        closed = stalls.change_stall(request.market_id, request.number, close, traceparent=call.traceparent)
        return pb.CloseStallResponse(stall=_stall(closed))

    def GetStall(self, request: pb.GetStallRequest, call: Call) -> pb.GetStallResponse:
        found = stalls.stall(request.market_id, request.number)
        if found is None:
            raise NotFound(f"there is no stall {request.number} in this market's plan")
        holder = stalls.holder(request.market_id, request.number)
        reply = pb.GetStallResponse(stall=_stall(found))
        if holder is not None:
            reply.merchant_id, reply.merchant_name = holder
        return reply

    def ListStalls(self, request: pb.ListStallsRequest, call: Call) -> pb.ListStallsResponse:
        page = stalls.stalls_of_market(request.market_id, request.page_size, request.page_token)
        return pb.ListStallsResponse(stalls=[_stall(one) for one in page.stalls], next_page_token=page.next_token)


def _version(version: int) -> None:
    if version < 1:
        raise InvalidArgument("version is the one that was read, from 1")


def _require_open(market: Market) -> None:
    if market.closed:
        raise WrongState(f"{market.name} is closed", vi=f"{market.name} đã đóng.")


def _require_section(sections: set[str], number: str) -> None:
    code = stall.section_of(number)
    if code not in sections:
        raise InvalidArgument(
            f"there is no open section {code}: add it first (PUT .../sections)",
            vi=f"Chợ chưa có khu {code} đang mở: hãy thêm khu trước.",
        )


def _require_free(market_id: str, number: str) -> None:
    if stalls.holder(market_id, number) is not None:
        raise WrongState(
            f"a merchant sells at {number}: its code names the stall; close the merchant first",
            vi=f"Sạp {number} đang có người bán; mã của họ ghi số sạp này. Hãy đóng hồ sơ người bán trước.",
        )


def _date(value: str, name: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise InvalidArgument(f"{name} must be a date such as 2026-11-29") from None


def _days(held: pb.MarketDays) -> MarketDays:
    if held.rule not in _RULES:
        raise InvalidArgument("market_days.rule must be one of the rules")
    anchor = _date(held.anchor, "market_days.anchor") if held.anchor else None
    return marketrule.checked(MarketDays(_RULES[held.rule], held.every_days, anchor, tuple(held.days)))


def _province(one: table.Province) -> pb.Province:
    return pb.Province(code=one.code, name=one.name)


def _ward(one: table.Ward) -> pb.Ward:
    return pb.Ward(
        code=one.code, name=one.name, province_code=one.province.code, province_name=one.province.name,
        latitude=one.latitude, longitude=one.longitude,
    )  # fmt: skip


def _place(one: table.Place) -> pb.Place:
    return pb.Place(
        kind=_KINDS[one.kind],
        code=one.code,
        name=one.name,
        within=one.within,
        now=[_ward(ward) for ward in one.now],
        province=_province(one.province),
    )


def _market(market: Market) -> pb.MarketPlan:
    held = market.days
    return pb.MarketPlan(
        market_id=market.market_id,
        name=market.name,
        ward_code=market.ward_code,
        ward_name=market.ward_name,
        province_name=market.province_name,
        market_days=pb.MarketDays(
            rule=_RULE_NUMBERS[held.rule],
            every_days=held.every_days,
            anchor=held.anchor.isoformat() if held.anchor else "",
            days=held.days,
        ),
        sections=[pb.Section(code=one.code, name=one.name, closed=one.closed) for one in market.sections],
        closed=market.closed,
        reason=market.reason,
        version=market.version,
    )


def _market_date(day: date) -> pb.MarketDate:
    found = market_day(day)
    return pb.MarketDate(
        date=day.isoformat(),
        lunar_day=found.lunar.day,
        lunar_month=found.lunar.month,
        lunar_leap_month=found.lunar.leap,
        occasions=found.occasions,
    )


def _stall(one: Stall) -> pb.StallPlan:
    return pb.StallPlan(
        market_id=one.market_id,
        number=one.number,
        position=pb.Position(x_cm=one.x_cm, y_cm=one.y_cm),
        state=_STALL_STATES[one.state],
        reason=one.reason,
        version=one.version,
    )
