"""The gateway as a Python program: FastAPI on uvicorn before the same payment service, for `cho bench gateways` alone.

It does less than the real one: it checks the token (once, then remembers it, as Envoy does), turns JSON into the
request and the reply into JSON, and passes claims on. No rate limits, no CORS, no time limits, one error for all.

    python -m cli.bench.fastapi_gateway PORT
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Annotated, Any

import grpc
import httpx
import uvicorn
from cho.payments.v1 import payments_pb2 as pb
from cho.payments.v1.payments_pb2_grpc import PaymentsServiceStub
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from google.protobuf.json_format import MessageToDict, ParseDict
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel

from gateway.filters import AUDIENCE, ISSUER
from kit import ports
from kit.config import settings
from kit.ids import new_id

CLAIMS = {
    "x-cho-sub": "sub", "x-cho-roles": "roles", "x-cho-ins": "ins", "x-cho-pin-at": "pin_at", "x-cho-dev": "dev",
    "x-cho-dev-at": "dev_at",
}  # fmt: skip
TOKENS_MAX = 10_000
HTTP_OF = {
    grpc.StatusCode.INVALID_ARGUMENT: 400, grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401, grpc.StatusCode.PERMISSION_DENIED: 403, grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409, grpc.StatusCode.ABORTED: 409, grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503, grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}  # fmt: skip


class Payment(BaseModel):
    """The body of both calls, as a phone sends it; amounts are text in proto's JSON."""

    idempotency_key: str
    wallet_id: str
    merchant_id: str
    amount: str


class _Service:
    stub: PaymentsServiceStub
    keys: KeySet


@asynccontextmanager
async def _connected(_: FastAPI) -> AsyncIterator[None]:
    jwks = f"http://{ports.LOOPBACK}:{settings().gateway_jwks_port}/.well-known/jwks.json"
    async with httpx.AsyncClient() as client:
        _Service.keys = KeySet.import_key_set((await client.get(jwks)).raise_for_status().json())
    async with grpc.aio.insecure_channel(settings().payments_addr) as channel:
        _Service.stub = PaymentsServiceStub(channel)
        yield


app = FastAPI(lifespan=_connected, openapi_url=None)


@lru_cache(TOKENS_MAX)
def _claimed(token: str) -> tuple[tuple[str, str], ...]:
    claims = jwt.decode(token, _Service.keys, algorithms=["ES256"]).claims
    if claims.get("iss") != ISSUER or claims.get("aud") != AUDIENCE:
        raise JoseError("another issuer's token")
    return tuple((header, str(claims[name])) for header, name in CLAIMS.items())


def caller(authorization: Annotated[str, Header()] = "") -> tuple[tuple[str, str], ...]:
    """Metadata that says who calls."""
    try:
        claims = _claimed(authorization.removeprefix("Bearer "))
    except (JoseError, ValueError, KeyError) as error:
        raise HTTPException(401, "sign in first") from error
    return (*claims, ("x-cho-edge", settings().edge_secret), ("x-request-id", new_id("req")))


Caller = Annotated[tuple[tuple[str, str], ...], Depends(caller)]


@app.post("/v1/payments")
async def pay(payment: Payment, who: Caller) -> JSONResponse:
    """A payment."""
    return _told(await _Service.stub.Pay(ParseDict(payment.model_dump(), pb.PayRequest()), metadata=who))


@app.post("/v1/echo")
async def echo(payment: Payment, who: Caller) -> JSONResponse:
    """What payments are compared with; takes the same body."""
    asked = ParseDict(payment.model_dump(), pb.EchoRequest(), ignore_unknown_fields=True)
    return _told(await _Service.stub.Echo(asked, metadata=who))


@app.exception_handler(grpc.aio.AioRpcError)
async def refused(_: Request, error: grpc.aio.AioRpcError) -> JSONResponse:
    """The service's refusal."""
    return JSONResponse({"message": error.details()}, HTTP_OF.get(error.code(), 500))


def _told(reply: Any) -> JSONResponse:
    return JSONResponse(
        MessageToDict(reply, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    )


if __name__ == "__main__":
    uvicorn.run(
        app, host=ports.LOOPBACK, port=int(sys.argv[1]), log_level="error", access_log=False,
        loop="uvloop", http="httptools",
    )  # fmt: skip
