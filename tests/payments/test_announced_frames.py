"""What a stall's phone is sent: a server-sent event, written by hand, that any JSON parser reads as it was meant."""

from __future__ import annotations

import json

from cho.events.v1.events_pb2 import PaymentMoved
from hypothesis import given
from hypothesis import strategies as st

from kit.clock import from_ms, rfc3339
from services.payments import announce
from services.payments.transfer import spoken_code

# What the server takes as a reference or note: anything that prints (server/common.py, `text`).
WRITTEN = st.text(max_size=140).filter(str.isprintable)
MOVED = st.builds(
    PaymentMoved, transfer_id=st.uuids().map("pay_{}".format), payment_id=st.just("") | st.uuids().map("pay_{}".format),
    merchant_id=st.uuids().map("mer_{}".format), amount=st.integers(1, 10**12), fee=st.integers(0, 10**12),
    reference=WRITTEN, note=WRITTEN, seq=st.integers(1, 2**53), merchant_version=st.integers(1, 2**53),
    at_ms=st.integers(0, 253_402_300_799_999), code=st.uuids().map(lambda one: spoken_code("pay", f"pay_{one}")),
    verdict=st.sampled_from(["", "FULL", "SHORT", "OVER"]), asked=st.integers(0, 10**12),
)  # fmt: skip


@given(type_=st.sampled_from(["payment.captured", "payment.refunded"]), moved=MOVED)
def test_a_frame_is_one_event_and_its_data_are_what_webhooks_are_told(type_: str, moved: PaymentMoved) -> None:
    frame = announce.frame(type_, moved).decode()
    assert frame.endswith("\n\n")
    lines = frame.removesuffix("\n\n").split("\n")
    assert lines[:2] == [f"id: {moved.seq}", f"event: {type_}"]
    assert len(lines) == 3
    assert json.loads(lines[2].removeprefix("data: ")) == announce.data(type_, moved)


@given(ms=st.integers(0, 253_402_300_799_999))
def test_a_moment_is_written_as_rfc_3339_has_it(ms: int) -> None:
    assert rfc3339(ms) == from_ms(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
