"""Which printing of a stall's code it is."""

from __future__ import annotations

from typing import Any

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from kit.qr import QrCode, QrError, decode, encode
from kit.qr.emv import crc
from kit.qr.image import bars

NAMED: dict[str, Any] = {"mcc": "5411", "merchant_name": "Co Nga", "merchant_city": "Thai Nguyen"}
MERCHANT = "mer_0190a1b2c3d47e8f9a0b1c2d3e4f5061"


@given(st.integers(1, 9999))
def test_an_issue_is_read_as_it_was_written(issue: int) -> None:
    read = decode(encode(QrCode(static=True, merchant_id=MERCHANT, stall_label="AAA-1234", issue=issue, **NAMED)))
    assert (read.issue, read.stall_label, read.warnings) == (issue, "AAA-1234", [])


def test_a_code_of_the_first_issue_says_nothing_of_it() -> None:
    assert decode(encode(QrCode(static=True, merchant_id=MERCHANT, **NAMED))).issue is None


@pytest.mark.parametrize("issue", [0, -1, 10_000])
def test_an_issue_out_of_bounds_is_not_written(issue: int) -> None:
    with pytest.raises(QrError):
        encode(QrCode(static=True, merchant_id=MERCHANT, issue=issue, **NAMED))
    with pytest.raises(QrError):
        encode(QrCode(static=True, bin="970436", account="0011012345678", issue=2))


@pytest.mark.parametrize("value", ["0", "02", "12345", "2a", "٢"])
def test_an_issue_that_is_no_number_is_not_read(value: str) -> None:
    payload = encode(QrCode(static=True, merchant_id=MERCHANT, issue=2, **NAMED))
    longer = f"04{len(value):02}{value}"
    body = payload[:-4].replace("0401" + "2", longer).replace("4558", f"45{58 - 5 + len(longer)}")
    with pytest.raises(QrError):
        decode(body + crc(body))


def test_bars_are_the_symbols_dark_modules() -> None:
    payload = encode(QrCode(static=True, merchant_id=MERCHANT, issue=2, **NAMED))
    side, found = bars(payload)
    dark = {(row, column + n) for row, column, length in found for n in range(length)}
    matrix = segno.make(payload, error="m", mode="byte", micro=False, boost_error=False).matrix
    assert dark == {(r, c) for r, cells in enumerate(matrix) for c, cell in enumerate(cells) if cell}
    assert side == len(matrix)
