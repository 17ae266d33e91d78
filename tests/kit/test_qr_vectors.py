"""Real and derived payloads, each with the answer that a strict parser owes (sources are in the file)."""

import json
from pathlib import Path

import pytest

from kit.qr import QrError, decode

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "qr_vectors.json").read_text(encoding="utf-8"))


def _with_answer(expect):
    chosen = [(i, vector) for i, vector in enumerate(VECTORS) if vector["expect"] == expect]
    assert chosen, f"no vector is to be answered by {expect}"
    return [pytest.param(vector, id=f"{i}-{vector['category']}") for i, vector in chosen]


def test_every_vector_is_of_a_kind_that_is_tested_here():
    assert {vector["expect"] for vector in VECTORS} == {"accept", "reject", "reject_or_flag"}


@pytest.mark.parametrize("vector", _with_answer("accept"))
def test_a_code_in_order_is_read_field_by_field_without_a_false_alarm(vector):
    decoded = decode(vector["payload"])
    assert {name: decoded.fields.get(name) for name in vector["fields"]} == vector["fields"]
    assert decoded.warnings == []


@pytest.mark.parametrize("vector", _with_answer("accept"))
def test_a_code_in_order_yields_no_field_that_its_vector_does_not_list(vector):
    assert set(decode(vector["payload"]).fields) == set(vector["fields"])


@pytest.mark.parametrize("vector", _with_answer("reject"))
def test_a_broken_code_is_refused_with_a_reason(vector):
    with pytest.raises(QrError) as caught:
        decode(vector["payload"])
    assert caught.value.code.startswith("QR_")
    assert caught.value.message


@pytest.mark.parametrize("vector", _with_answer("reject_or_flag"))
def test_a_doubtful_code_is_refused_or_flagged_and_never_plainly_accepted(vector):
    try:
        decoded = decode(vector["payload"])
    except QrError:
        return
    assert decoded.warnings
    known = {name: value for name, value in vector["fields"].items() if name in decoded.fields}
    assert known.items() <= decoded.fields.items()
