"""The OpenAPI document says what the routes do, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gateway.methods import api
from gateway.openapi import openapi


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi()


def test_every_route_is_an_operation_and_every_operation_a_route(document: dict[str, Any]) -> None:
    described = {(verb.upper(), path) for path, item in document["paths"].items() for verb in item}

    assert described == {(r.verb, r.template) for m in api().public for r in m.routes}
    assert "CutWindow" not in json.dumps(document)


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    references = {value for key, value in _walk(document) if key == "$ref"}

    assert references
    for reference in references:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_schema_is_a_json_schema(document: dict[str, Any]) -> None:
    schemas = [value for key, value in _walk(document) if key == "schema"]

    for schema in [*schemas, *document["components"]["schemas"].values()]:
        Draft202012Validator.check_schema(schema)


def test_operations_are_whole(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in _operations(document)]
    assert len(ids) == len(set(ids))

    for path, operation in _operations(document):
        in_path = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert in_path == {part[1:-1] for part in path.split("/") if part.startswith("{")}
        assert operation["x-cho-roles"]
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Error"}
        assert (operation["security"] == []) == ("anyone" in operation["x-cho-roles"])


def test_types_are_those_that_travel(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    transfer = schemas["payments.v1.Transfer"]["properties"]

    assert transfer["amount"]["type"] == "string"
    assert transfer["at"] == {"type": "string", "format": "date-time"}
    assert "PAYMENT" in str(schemas["payments.v1.TransferKind"]["enum"])
    assert schemas["onboarding.v1.ListMarketsResponse"]["properties"]["markets"]["type"] == "array"


def test_what_the_path_carries_is_not_asked_for_in_the_body(document: dict[str, Any]) -> None:
    refund = document["paths"]["/v1/payments/{payment_id}/refunds"]["post"]
    body = refund["requestBody"]["content"]["application/json"]["schema"]["properties"]

    assert "payment_id" not in body
    assert "idempotency_key" in body


def test_a_stream_is_events_and_a_document_is_anything(document: dict[str, Any]) -> None:
    paths = document["paths"]
    watch = paths["/v1/merchants/{merchant_id}/announcements"]["get"]["responses"]["200"]["content"]
    report = paths["/v1/windows/{window}/reports/{institution}"]["get"]["responses"]["200"]["content"]

    assert list(watch) == ["text/event-stream"]
    assert list(report) == ["*/*"]


def test_comments_are_descriptions(document: dict[str, Any]) -> None:
    pay = document["paths"]["/v1/payments"]["post"]
    note = pay["requestBody"]["content"]["application/json"]["schema"]["properties"]["note"]

    assert pay["summary"].startswith("Pays a merchant")
    assert "shopper" in pay["description"]
    assert note["description"] == "At most 140 characters."


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for operation in item.values():
            yield path, operation


def _walk(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)
