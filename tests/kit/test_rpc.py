"""The gRPC servers of all services: who may call, what a failure looks like, how a server starts and stops."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import grpc
import pytest
from cho.identity.v1 import identity_pb2 as pb
from cho.identity.v1.identity_pb2_grpc import IdentityServiceStub
from google.api.httpbody_pb2 import HttpBody
from google.protobuf import descriptor_pb2, descriptor_pool
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from pymongo.errors import AutoReconnect

from kit.config import settings
from kit.errors import InsufficientFunds, InvalidArgument, Overloaded, TooManyAttempts
from kit.rpc import aio, threads
from kit.rpc.admission import Flight
from kit.rpc.call import Call, service_metadata
from kit.rpc.policy import policy_of
from kit.rpc.status import error_code, status_of

PIN_AT_S = 1_780_000_000
IDENTITY = pb.DESCRIPTOR.services_by_name["IdentityService"]
SHOPPER = (
    ("x-cho-edge", settings().edge_secret),
    ("x-cho-sub", "usr_1"),
    ("x-cho-roles", "shopper,vendor"),
    ("x-cho-ins", "VIETTEL"),
    ("x-request-id", "req-1"),
)


class Servicer:
    """Identity's methods, each showing one thing."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.entered, self.release = threading.Event(), threading.Event()

    def SignIn(self, request: pb.SignInRequest, call: Call) -> pb.SignInResponse:
        self.calls.append(call)
        call.set_header("set-cookie", "a=b")
        return pb.SignInResponse(user=pb.User(name=request.phone))

    def GetMe(self, request: pb.GetMeRequest, call: Call) -> pb.GetMeResponse:
        self.calls.append(call)
        return pb.GetMeResponse(user=pb.User(user_id=call.caller.sub))

    def CreateUser(self, request: pb.CreateUserRequest, call: Call) -> pb.CreateUserResponse:
        return pb.CreateUserResponse()

    def RefreshToken(self, request: pb.RefreshTokenRequest, call: Call) -> pb.RefreshTokenResponse:
        if request.refresh_token == "bug":
            raise KeyError("0912345678 and other things that nobody should see")
        if request.refresh_token == "cut off":
            raise AutoReconnect("127.0.0.1:27017: connection closed")
        if request.refresh_token == "locked":
            raise TooManyAttempts("locked")
        raise InsufficientFunds("too little", short="7")

    def SignOut(self, request: pb.SignOutRequest, call: Call) -> pb.SignOutResponse:
        self.entered.set()
        assert self.release.wait(20)
        return pb.SignOutResponse()

    def ChangePin(self, request: pb.ChangePinRequest, call: Call) -> pb.ChangePinResponse:
        call.require_owner("usr_1", "operator")
        return pb.ChangePinResponse()

    def StepUp(self, request: pb.StepUpRequest, call: Call) -> pb.StepUpResponse:
        call.require_fresh_pin(now_s=PIN_AT_S + len(request.pin), within_s=3)
        return pb.StepUpResponse()

    def ListDevices(self, request: pb.ListDevicesRequest, call: Call) -> pb.ListDevicesResponse:
        return pb.ListDevicesResponse()

    def RemoveDevice(self, request: pb.RemoveDeviceRequest, call: Call) -> pb.RemoveDeviceResponse:
        return pb.RemoveDeviceResponse()

    def GetJwks(self, request: pb.GetJwksRequest, call: Call) -> HttpBody:
        return HttpBody(data=b"{}")


class AioServicer(Servicer):
    """The same, for the event loop."""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if not name[0].isupper():
            return found

        async def handler(request: Any, call: Call) -> Any:
            if name == "SignOut":
                return await asyncio.get_running_loop().run_in_executor(None, found, request, call)
            return found(request, call)

        return handler


class _AioProcess:
    """An aio server on a loop of its own thread."""

    def __init__(self, servicer: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = self._run(self._start(servicer))
        self.port = self._server.port

    @staticmethod
    async def _start(servicer: Any) -> aio.Server:
        server = aio.Server("127.0.0.1:0", [(IDENTITY, servicer)])
        await server.start()
        return server

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def stop(self) -> None:
        self._run(self._server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(params=["threads", "aio"])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Servicer, Any, grpc.Channel]]:
    """(servicer, server, channel), each test once for either kind of server."""
    servicer: Servicer = Servicer() if request.param == "threads" else AioServicer()
    server: Any = (
        threads.Server("127.0.0.1:0", [(IDENTITY, servicer)]) if request.param == "threads" else _AioProcess(servicer)
    )
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield servicer, server, channel
        servicer.release.set()
        server.stop()


Served = tuple[Servicer, Any, grpc.Channel]


def refusal(call: Callable[..., Any], *args: Any, **kwargs: Any) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as refused:
        call(*args, **kwargs)
    return refused.value


def test_claims_count_only_beside_the_edge_secret(served: Served) -> None:
    stub = IdentityServiceStub(served[2])
    assert stub.GetMe(pb.GetMeRequest(), metadata=SHOPPER).user.user_id == "usr_1"
    forged = [("x-cho-edge", "guess"), *SHOPPER[1:]]
    for metadata in (SHOPPER[1:], forged, ()):
        assert error_code(refusal(stub.GetMe, pb.GetMeRequest(), metadata=metadata)) == "UNAUTHENTICATED"


def test_a_method_is_for_its_declared_roles_only(served: Served) -> None:
    stub = IdentityServiceStub(served[2])
    assert error_code(refusal(stub.CreateUser, pb.CreateUserRequest(), metadata=SHOPPER)) == "PERMISSION_DENIED"
    operator = [*SHOPPER[:2], ("x-cho-roles", "operator")]
    stub.CreateUser(pb.CreateUserRequest(), metadata=operator)
    nameless = [SHOPPER[0], ("x-cho-roles", "operator")]  # roles of nobody are no roles
    assert error_code(refusal(stub.CreateUser, pb.CreateUserRequest(), metadata=nameless)) == "UNAUTHENTICATED"


def test_anyone_may_call_what_is_for_anyone_and_headers_come_back(served: Served) -> None:
    reply, call = IdentityServiceStub(served[2]).SignIn.with_call(pb.SignInRequest(phone="x"))
    assert reply.user.name == "x"
    assert ("set-cookie", "a=b") in tuple(call.initial_metadata())
    assert served[0].calls[0].caller.sub == ""


def test_bytes_that_are_no_request_are_the_callers_fault_and_coded(served: Served) -> None:
    not_utf8 = b"\x0a\x01\xff"  # field 1, a string of one byte
    for name in ("SignIn", "CreateUser"):
        raw = served[2].unary_unary(f"/{IDENTITY.full_name}/{name}")
        metadata = [*SHOPPER[:2], ("x-cho-roles", "operator")]
        refused = refusal(raw, not_utf8, metadata=metadata)
        assert (refused.code(), error_code(refused)) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")


def test_the_handler_knows_who_calls_and_by_which_request(served: Served) -> None:
    IdentityServiceStub(served[2]).GetMe(pb.GetMeRequest(), metadata=SHOPPER)
    (call,) = served[0].calls
    assert (call.caller.roles, call.caller.institution, call.request_id) == ({"shopper", "vendor"}, "VIETTEL", "req-1")
    assert call.has("vendor", "operator")
    assert not call.has("operator")


def test_a_stranger_is_told_that_there_is_no_such_thing(served: Served) -> None:
    stub = IdentityServiceStub(served[2])
    stub.ChangePin(pb.ChangePinRequest(), metadata=SHOPPER)
    stranger = [SHOPPER[0], ("x-cho-sub", "usr_2"), ("x-cho-roles", "shopper")]
    assert error_code(refusal(stub.ChangePin, pb.ChangePinRequest(), metadata=stranger)) == "NOT_FOUND"
    stub.ChangePin(pb.ChangePinRequest(), metadata=[*stranger[:2], ("x-cho-roles", "operator")])


def test_the_handler_knows_how_fresh_the_pin_and_how_old_the_device_is(served: Served) -> None:
    stub = IdentityServiceStub(served[2])
    said = (("x-cho-pin-at", "1780000000"), ("x-cho-dev", "dev_1"), ("x-cho-dev-at", "1700000000"))
    stub.GetMe(pb.GetMeRequest(), metadata=(*SHOPPER, *said))
    stub.GetMe(pb.GetMeRequest(), metadata=SHOPPER)
    stub.SignIn(pb.SignInRequest(), metadata=(("x-cho-edge", "guess"), *SHOPPER[1:], *said))
    told, untold, forged = (call.caller for call in served[0].calls)
    assert (told.pin_at_s, told.device_id, told.device_at_s) == (PIN_AT_S, "dev_1", 1_700_000_000)
    for caller in (untold, forged):
        assert (caller.pin_at_s, caller.device_id, caller.device_at_s) == (0, "", 0)
    assert [told.fresh_pin(PIN_AT_S + s, within_s=300) for s in (-1, 0, 300, 301)] == [True, True, True, False]
    assert not untold.fresh_pin(PIN_AT_S, within_s=300)


def test_who_has_to_enter_the_pin_again_is_told_where(served: Served) -> None:
    stub = IdentityServiceStub(served[2])
    me = (*SHOPPER, ("x-cho-pin-at", str(PIN_AT_S)))
    stub.StepUp(pb.StepUpRequest(pin="..."), metadata=me)
    for metadata in (me, SHOPPER):
        refused = refusal(stub.StepUp, pb.StepUpRequest(pin="...."), metadata=metadata)
        assert (refused.code(), error_code(refused)) == (grpc.StatusCode.PERMISSION_DENIED, "STEP_UP_NEEDED")
        assert "POST /v1/step-up" in str(refused.details())


def test_a_domain_error_is_a_status_with_its_code_and_details(served: Served) -> None:
    refused = refusal(IdentityServiceStub(served[2]).RefreshToken, pb.RefreshTokenRequest())
    assert (refused.code(), refused.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "too little")
    assert error_code(refused) == "INSUFFICIENT_FUNDS"
    locked = refusal(IdentityServiceStub(served[2]).RefreshToken, pb.RefreshTokenRequest(refresh_token="locked"))
    assert dict(locked.trailing_metadata())["retry-after"] == "900"


def test_a_bug_is_internal_and_tells_nothing(served: Served) -> None:
    refused = refusal(IdentityServiceStub(served[2]).RefreshToken, pb.RefreshTokenRequest(refresh_token="bug"))
    assert refused.code() == grpc.StatusCode.INTERNAL
    assert "0912345678" not in f"{refused.details()}{refused.trailing_metadata()}"


def test_who_lost_the_documents_on_the_way_is_told_to_ask_again(served: Served) -> None:
    refused = refusal(IdentityServiceStub(served[2]).RefreshToken, pb.RefreshTokenRequest(refresh_token="cut off"))
    assert (refused.code(), error_code(refused)) == (grpc.StatusCode.UNAVAILABLE, "OUTCOME_UNKNOWN")
    assert dict(refused.trailing_metadata())["retry-after"] == "1"


def test_stopping_lets_the_call_in_flight_finish_and_takes_no_other(served: Served) -> None:
    servicer, server, channel = served
    stub = IdentityServiceStub(channel)
    in_flight = stub.SignOut.future(pb.SignOutRequest())
    assert servicer.entered.wait(10)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    deadline = time.monotonic() + 60
    while refusal_or_none(stub) is None:
        assert time.monotonic() < deadline
    servicer.release.set()
    assert in_flight.result(10) == pb.SignOutResponse()
    stopping.join()
    server.stop = lambda: None  # the fixture's turn is done


def refusal_or_none(stub: IdentityServiceStub) -> grpc.RpcError | None:
    try:
        stub.GetJwks(pb.GetJwksRequest(), timeout=1)
    except grpc.RpcError as error:
        return error
    return None


def test_health_and_reflection_answer(served: Served) -> None:
    health = health_pb2_grpc.HealthStub(served[2])
    for name in ("", IDENTITY.full_name):
        assert (
            health.Check(health_pb2.HealthCheckRequest(service=name)).status == health_pb2.HealthCheckResponse.SERVING
        )
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    (listed,) = reflection_pb2_grpc.ServerReflectionStub(served[2]).ServerReflectionInfo(asked)
    assert IDENTITY.full_name in {service.name for service in listed.list_services_response.service}


def test_one_service_calls_another_as_a_service() -> None:
    metadata = dict(service_metadata("settlement"))
    assert (metadata["x-cho-sub"], metadata["x-cho-roles"]) == ("service:settlement", "service")


def test_a_server_without_a_declared_method_does_not_start() -> None:
    with pytest.raises(AttributeError):
        threads.Server("127.0.0.1:0", [(IDENTITY, object())])


def test_a_method_without_declared_roles_does_not_start() -> None:
    file = descriptor_pb2.FileDescriptorProto(name="bare.proto", package="bare", syntax="proto3")
    file.message_type.add(name="Nothing")
    service = file.service.add(name="Bare")
    service.method.add(name="Do", input_type=".bare.Nothing", output_type=".bare.Nothing")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    (method,) = pool.FindServiceByName("bare.Bare").methods
    with pytest.raises(ValueError, match="declares no roles"):
        policy_of(method)


def test_a_stream_that_fails_ends_with_its_code() -> None:
    from cho.payments.v1 import payments_pb2
    from cho.payments.v1.payments_pb2_grpc import PaymentsServiceStub

    payments = payments_pb2.DESCRIPTOR.services_by_name["PaymentsService"]

    class Watch:
        def __getattr__(self, name: str) -> Any:
            return self._watch

        @staticmethod
        async def _watch(request: Any, call: Call) -> AsyncIterator[HttpBody]:
            yield HttpBody(data=b"one")
            raise InsufficientFunds("enough")

    async def run() -> tuple[list[bytes], str]:
        server = aio.Server("127.0.0.1:0", [(payments, Watch())])
        await server.start()
        heard = []
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            vendor = [*SHOPPER[:2], ("x-cho-roles", "vendor")]
            stream = PaymentsServiceStub(channel).WatchMerchant(payments_pb2.WatchMerchantRequest(), metadata=vendor)
            try:
                async for body in stream:
                    heard.append(body.data)
                code = ""
            except grpc.aio.AioRpcError as error:
                code = error_code(error)
        await server.stop(0)
        return heard, code

    assert asyncio.run(run()) == ([b"one"], "INSUFFICIENT_FUNDS")


def test_how_many_calls_a_server_on_a_loop_lets_in_is_as_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `new_flight` makes of them is held by tests/kit/test_admission.py."""
    full_already = Flight()
    full_already.most = 0
    monkeypatch.setattr(aio, "new_flight", lambda: full_already)
    running = _AioProcess(Servicer())
    try:
        with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
            refused = refusal(IdentityServiceStub(channel).GetMe, pb.GetMeRequest())
            assert error_code(refused) == Overloaded.code
    finally:
        running.stop()


def test_a_domain_error_says_in_vietnamese_what_a_person_reads(served: Served) -> None:
    refused = refusal(IdentityServiceStub(served[2]).RefreshToken, pb.RefreshTokenRequest())
    status = status_pb2.Status.FromString(dict(refused.trailing_metadata())["grpc-status-details-bin"])
    sentence = error_details_pb2.LocalizedMessage()
    assert status.details[1].Unpack(sentence)
    assert (sentence.locale, sentence.message) == ("vi-VN", "Số dư không đủ.")
    own = status_pb2.Status.FromString(
        dict(status_of(InvalidArgument("no", vi="Sai rồi."))[2])["grpc-status-details-bin"]
    )
    assert own.details[1].Unpack(sentence)
    assert sentence.message == "Sai rồi."
