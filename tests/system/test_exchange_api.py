"""Files that officers send by the API: through the gateway, read by the clerk."""

from __future__ import annotations

import base64
import hashlib
import random
from typing import Any

import pytest

from cli.api import Api, ApiError
from tests.waiting import until

pytestmark = pytest.mark.system


def put(who: Api, institution: str, name: str, content: bytes) -> Any:
    reply = who.http.put(
        f"/v1/exchange/{institution}/files/{name}", json={"content": base64.b64encode(content).decode()}
    )
    if reply.is_success:
        return reply.json()
    raise ApiError(reply.status_code, reply.json()["details"][0]["reason"], reply.json()["message"])


def refused(code: str, *arguments: Any) -> None:
    with pytest.raises(ApiError) as caught:
        put(*arguments)
    assert caught.value.code == code


def state_of(who: Api, institution: str, name: str) -> Any:
    files = who.get(f"/v1/exchange/{institution}/files")["files"]
    return next((file for file in files if file["name"] == name), None)


def test_a_file_that_makes_no_sense_is_refused_with_a_reason_that_its_officer_reads(people_: dict[str, Api]) -> None:
    officer, name = people_["officer"], "record.W999999-VIETTEL.csv"
    sent = put(officer, "VIETTEL", name, b"this is no record\n")
    assert sent["file"]["state"] == "SUBMITTED_STATE_WAITING"
    until(lambda: state_of(officer, "VIETTEL", name)["state"] != "SUBMITTED_STATE_WAITING")
    found = state_of(officer, "VIETTEL", name)
    assert found["state"] == "SUBMITTED_STATE_REFUSED"
    assert "record.W999999-VIETTEL.csv" in found["reason"]


def test_the_same_file_again_is_no_error_and_the_name_with_another_content_is(people_: dict[str, Api]) -> None:
    officer, name = people_["officer"], "record.W999998-VIETTEL.csv"
    assert put(officer, "VIETTEL", name, b"a\n")["sha256"] == put(officer, "VIETTEL", name, b"a\n")["sha256"]
    refused("ALREADY_EXISTS", officer, "VIETTEL", name, b"b\n")


def test_nobody_sends_or_sees_files_of_another_institution(people_: dict[str, Api]) -> None:
    refused("NOT_FOUND", people_["officer"], "VNPT", "record.W999997-VNPT.csv", b"a\n")
    refused("NOT_FOUND", people_["operator"], "NOBODY", "record.W999997-NOBODY.csv", b"a\n")
    refused("PERMISSION_DENIED", people_["vendor"], "VIETTEL", "record.W999997-VIETTEL.csv", b"a\n")
    with pytest.raises(ApiError, match="NOT_FOUND"):
        people_["bank"].get("/v1/exchange/VIETTEL/files")


def test_a_name_that_leads_elsewhere_and_an_empty_file_are_refused(people_: dict[str, Api]) -> None:
    operator = people_["operator"]
    for name in ("..%2Fx.csv", ".hidden", "a.reason.txt"):
        with pytest.raises(ApiError):
            put(operator, "VIETTEL", name, b"a\n")
    refused("INVALID_ARGUMENT", operator, "VIETTEL", "empty.csv", b"")


def test_a_statement_of_several_megabytes_arrives_whole_and_a_larger_one_is_told_where_to_go(
    people_: dict[str, Api],
) -> None:
    operator = people_["operator"]
    content = random.Random(5).randbytes(5_900_000)
    sent = put(operator, "VIETTEL", "large.csv", content)
    assert sent["file"]["bytes"] == str(len(content))
    assert sent["sha256"] == hashlib.sha256(content).hexdigest()
    # Read by then or not: the same content, so it is the same file.
    assert put(operator, "VIETTEL", "large.csv", content)["sha256"] == sent["sha256"]
    refused("BODY_TOO_LARGE", operator, "VIETTEL", "larger.csv", b"x" * 7_000_000)
