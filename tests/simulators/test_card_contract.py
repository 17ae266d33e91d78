"""Neither our client nor our simulator drifts from Stripe: both are checked against its own stripe-mock.

stripe-mock answers any request that fits Stripe's OpenAPI document, and refuses every other one; it keeps no state. It
is a Go program: where Go or the module cannot be had, these tests are skipped and say why.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from kit import ports, tls
from kit.ids import new_key
from services.payments.card import calls
from services.payments.card.calls import Call
from services.payments.card.client import API_VERSION, Cards
from services.payments.card.failures import CardFailure
from services.payments.card.objects import IntentStatus
from simulators.card import provider
from tests.simulators.card_process import SECRET_KEY, CardSimulator
from tests.waiting import until

VERSION = "v0.203.0"
MODULE = "github.com/stripe/stripe-mock"
# Built once a version; `make clean` removes it.
TOOLS = Path(__file__).parents[2] / ".cho" / "tools" / f"stripe-mock-{VERSION}"
INSTALL_S_MAX = 300  # it is seconds, and a busy machine's minutes
GO_S_MAX = 20

pytestmark = pytest.mark.timeout(INSTALL_S_MAX + 60)


def install() -> Path:
    """The program, with Stripe's OpenAPI document beside it. Skips where it cannot be had."""
    program = TOOLS / "stripe-mock"
    if program.exists():
        return program
    go = shutil.which("go")
    if go is None:
        pytest.skip("stripe-mock is a Go program, and there is no Go here")
    TOOLS.parent.mkdir(parents=True, exist_ok=True)
    made_in = Path(tempfile.mkdtemp(dir=TOOLS.parent))
    try:
        build(go, made_in)
        if not TOOLS.exists():
            made_in.rename(TOOLS)  # at once, for others may be at it too
    except OSError:
        assert program.exists(), "another one was faster"
    finally:
        shutil.rmtree(made_in, ignore_errors=True)
    return program


def build(go: str, directory: Path) -> None:
    # GOTOOLCHAIN: this Go or none, rather than one that is fetched.
    # It is run for seconds: without C and unoptimised it is built for two thirds of the processor's time.
    env = {**os.environ, "GOBIN": str(directory), "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    argv = [go, "install", "-gcflags=all=-N -l", "-ldflags=-s -w", f"{MODULE}@{VERSION}"]
    try:
        said = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=INSTALL_S_MAX)
    except subprocess.TimeoutExpired:
        pytest.skip(f"stripe-mock could not be installed within {INSTALL_S_MAX} s")
    if said.returncode:
        pytest.skip(f"stripe-mock could not be installed: {said.stderr.strip()[-300:]}")
    cache = subprocess.run([go, "env", "GOMODCACHE"], capture_output=True, text=True, timeout=GO_S_MAX, check=True)
    module = Path(cache.stdout.strip()) / f"{MODULE}@{VERSION}"
    shutil.copy(module / "embedded" / "openapi" / "spec3.json", directory / "openapi.json")


@pytest.fixture(scope="module")
def stripe_mock() -> Iterator[str]:
    """URL of a running stripe-mock that also insists on the version of the API."""
    program, port = install(), ports.take_any()  # it takes a second to listen
    process = subprocess.Popen(
        # Its HTTPS cannot be turned off, and would take a fixed port on every interface.
        [str(program), "-http-addr", f"127.0.0.1:{port}", "-https-addr", "127.0.0.1:0", "-strict-version-check"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, "stripe-mock ended"
        try:
            return httpx.get(url, verify=tls.context()).status_code > 0
        except httpx.TransportError:
            return False

    until(answers)
    yield url
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    """Stripe's objects by name."""
    document = json.loads((install().parent / "openapi.json").read_text())
    assert document["info"]["version"] == API_VERSION == provider.API_VERSION
    found: dict[str, Any] = document["components"]["schemas"]
    return found


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CardSimulator]:
    with CardSimulator(tmp_path_factory.mktemp("card")) as started:
        yield started


METADATA = {"top_up": "top_1", "wallet": "wal_1"}
RETURN_URL = "https://cho.example/back"

EVERY_CALL: dict[str, Call[Any]] = {
    "create_intent": calls.create_intent(50_000, new_key(), METADATA),
    "create_intent at once": calls.create_intent(
        50_000, new_key(), METADATA, payment_method="pm_card_visa", return_url=RETURN_URL
    ),
    "retrieve_intent": calls.retrieve_intent("pi_1"),
    "confirm_intent": calls.confirm_intent("pi_1", new_key()),
    "confirm_intent with": calls.confirm_intent(
        "pi_1", new_key(), payment_method="pm_card_visa", return_url=RETURN_URL
    ),
    "cancel_intent": calls.cancel_intent("pi_1", new_key()),
    "list_intents": calls.list_intents("top_up", "top_1", 1, 2)(""),
    "list_intents on": calls.list_intents("top_up", "top_1", 1, 2)("pi_1"),
    "create_refund": calls.create_refund("pi_1", 20_000, new_key(), METADATA),
    "retrieve_refund": calls.retrieve_refund("re_1"),
    "list_refunds": calls.list_refunds("pi_1")(""),
    "retrieve_dispute": calls.retrieve_dispute("dp_1"),
    "list_disputes": calls.list_disputes(1, 2)(""),
    "list_events": calls.list_events(["payment_intent.succeeded", "refund.failed"], 1, 2)(""),
}


def test_no_call_is_forgotten() -> None:
    public = {
        name
        for name, function in vars(calls).items()
        if getattr(function, "__module__", "") == calls.__name__ and name[0].islower() and name != "flatten"
    }
    assert {name.split()[0] for name in EVERY_CALL} == public


@pytest.mark.parametrize("name", EVERY_CALL)
def test_stripe_mock_accepts_every_call_of_our_client(stripe_mock: str, name: str) -> None:
    # Read as they are: its payments are in dollars, which our client does not take for an answer.
    call = replace(EVERY_CALL[name], read=dict)
    with Cards(stripe_mock, "sk_test_1") as cards:
        assert cards.send(call)["object"]


def test_our_client_understands_what_stripe_mock_makes_of_our_parameters(stripe_mock: str) -> None:
    with Cards(stripe_mock, "sk_test_1") as cards:
        intent = cards.send(EVERY_CALL["create_intent"])
        assert (intent.amount, intent.status) == (50_000, IntentStatus.REQUIRES_PAYMENT_METHOD)


@pytest.mark.parametrize(
    "wrong",
    [
        Call("POST", "/v1/payment_intents", (("amount", "50000"),), dict, "k"),
        Call("POST", "/v1/payment_intents", (("amount", "x"), ("currency", "vnd")), dict, "k"),
        Call("GET", "/v1/payment_intents", (("metadata[top_up]", "top_1"),), dict),
        Call("GET", "/v1/payment", (), dict),
    ],
)
def test_stripe_mock_refuses_what_is_not_in_the_api(stripe_mock: str, wrong: Call[Any]) -> None:
    with Cards(stripe_mock, "sk_test_1") as cards, pytest.raises(CardFailure):
        cards.send(wrong)


# ---------------------------------------------------------------- the simulator's answers


def ask(simulator: CardSimulator, method: str, path: str, **form: str) -> Any:
    answer = httpx.request(method, simulator.url + path, data=form or None, auth=(SECRET_KEY, ""), verify=tls.context())
    return answer.json()


def check(found: Any, schema: dict[str, Any], schemas: dict[str, Any], where: str) -> None:
    """A value against one of Stripe's schemas, as far as these go into our objects."""
    if "$ref" in schema:
        return check(found, schemas[schema["$ref"].rpartition("/")[2]], schemas, where)
    if found is None:
        assert schema.get("nullable"), f"{where} may not be null"
        return None
    if "anyOf" in schema:
        # An object, or its id; the first that has the value's type.
        kinds = [schemas[s["$ref"].rpartition("/")[2]] if "$ref" in s else s for s in schema["anyOf"]]
        wanted = "string" if isinstance(found, str) else "object"
        return check(found, next(kind for kind in kinds if kind.get("type") == wanted), schemas, where)
    python = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}[schema["type"]]
    assert type(found) is python, f"{where} is {found!r}"
    assert found in schema.get("enum", [found]), f"{where} cannot be {found!r}"
    if python is list:
        for item in found:
            check(item, schema["items"], schemas, f"{where}[]")
    if python is dict and "properties" in schema:
        assert set(schema.get("required", ())) <= set(found), f"{where} lacks a field"
        for name, value in found.items():
            assert name in schema["properties"], f"{where} has no {name}"
            check(value, schema["properties"][name], schemas, f"{where}.{name}")
    return None


def test_what_the_simulator_answers_is_in_stripes_shape(simulator: CardSimulator, schemas: dict[str, Any]) -> None:
    paid = {"amount": "50000", "currency": "vnd", "confirm": "true", "payment_method": "pm_card_visa"}
    intent = ask(simulator, "POST", "/v1/payment_intents", **paid, **{"metadata[a]": "b"})
    waiting = ask(
        simulator,
        "POST",
        "/v1/payment_intents",
        **(paid | {"payment_method": "pm_card_authenticationRequired", "return_url": RETURN_URL}),
    )
    declined = ask(
        simulator, "POST", "/v1/payment_intents", **(paid | {"payment_method": "pm_card_chargeDeclinedLostCard"})
    )
    cancelled = ask(simulator, "POST", f"/v1/payment_intents/{waiting['id']}/cancel", cancellation_reason="abandoned")
    ask(simulator, "POST", "/v1/refunds", payment_intent=intent["id"], amount="20000")
    refund = ask(simulator, "POST", "/v1/refunds", payment_intent=intent["id"], amount="10000")
    simulator.control("POST", f"refunds/{refund['id']}/settle", status="failed")
    dispute = simulator.control("POST", "disputes", payment_intent=intent["id"])
    for answered in (intent, waiting, cancelled, declined["error"]["payment_intent"]):
        check(answered, schemas["payment_intent"], schemas, "payment_intent")
    check(declined["error"], schemas["api_errors"], schemas, "error")
    check(dispute, schemas["dispute"], schemas, "dispute")
    for path, name in (
        ("payment_intents", "payment_intent"),
        ("charges", "charge"),
        ("refunds", "refund"),
        ("disputes", "dispute"),
        ("events", "event"),
    ):
        listed = ask(simulator, "GET", f"/v1/{path}?limit=100")
        assert listed["data"]
        for found in listed["data"]:
            check(found, schemas[name], schemas, name)
    kinds = {event["type"] for event in ask(simulator, "GET", "/v1/events?limit=100")["data"]}
    assert len(kinds) >= 10


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("POST", "/v1/payment_intents", {"amount": "x", "currency": "vnd"}),
        ("POST", "/v1/refunds", {"payment_intent": "pi_0"}),
        ("GET", "/v1/payment_intents/pi_0", {}),
        ("GET", "/v1/nothing", {}),
    ],
)
def test_its_refusals_are_in_stripes_shape(
    simulator: CardSimulator, schemas: dict[str, Any], method: str, path: str, form: dict[str, str]
) -> None:
    check(ask(simulator, method, path, **form)["error"], schemas["api_errors"], schemas, "error")
