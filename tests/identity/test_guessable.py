"""Whatever opens something when it is right has its limit: by address at the gateway, or it cannot be guessed."""

from __future__ import annotations

import re

from gateway.methods import api

# What is shown or proved by being known, as requests name it.
_SECRET = re.compile(r"(^|_)(pin|code|secret)$|^refresh_token$")
# Names of what everybody may know.
_NO_SECRETS = {"tax_code", "ward_code", "province_code", "category_code"}

# By hand: what bounds a guess, where it is not the gateway's class SIGN_IN (20 a minute from an address).
OTHERWISE = {
    "IdentityService.RefreshToken": "256 random bits (services/identity/tokens.py)",
    "IdentityService.SignOut": "256 random bits; there is nothing to learn",
    "IdentityService.CreateUser": "sets a PIN and checks none",
    "AssistService.ConfirmDraft": "5 tries a code, 10 codes a day and phone (services/onboarding/assist)",
}


def test_every_rpc_of_both_services_that_a_secret_can_be_guessed_at_is_bounded() -> None:
    known = api()
    guessable = {}
    for method in known.methods:
        if method.service in ("identity", "onboarding"):
            fields = {field.name for field in known.messages[method.input].field}
            if any(_SECRET.search(name) for name in fields - _NO_SECRETS):
                guessable[f"{method.service_name.rpartition('.')[2]}.{method.name}"] = method.rate
    assert {
        "IdentityService.SignIn", "IdentityService.StepUp", "IdentityService.ChangePin", "AssistService.ConfirmDraft",
        "RecoveryService.FinishPinReset", "ExternalService.FinishExternalSignIn",
    } <= guessable.keys(), "the search finds what it looks for"  # fmt: skip
    assert {name for name, rate in guessable.items() if rate != "SIGN_IN"} == OTHERWISE.keys()


def test_what_tells_whether_a_phone_has_an_account_is_asked_by_people_with_an_office_only() -> None:
    asking = {
        f"{method.service_name.rpartition('.')[2]}.{method.name}": set(method.roles)
        for method in api().methods
        if method.service == "identity" and "phone" in {field.name for field in api().messages[method.input].field}
    }
    # These answer alike whoever has the phone (test_recovery.py, test_identity_server.py).
    silent = {"IdentityService.SignIn", "RecoveryService.StartPinReset", "RecoveryService.FinishPinReset"}
    assert silent <= asking.keys()
    for name, roles in asking.items():
        assert name in silent or roles <= {"agent", "team", "market_manager", "operator"}, name
