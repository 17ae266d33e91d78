"""Codes as pictures: DrawService."""

from __future__ import annotations

import io
import re

import segno
from cho.onboarding.v1 import draw_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit.errors import QrInvalid
from kit.qr import QrError, image
from kit.rpc.call import Call

# A payer's one-time code (cho.payments.v1.CodeService).
_ONE_TIME = re.compile(r"[0-9]{18}")


class DrawServicer:
    """The RPCs of cho.onboarding.v1.DrawService; roles are enforced before they are called."""

    def DrawQr(self, request: pb.DrawQrRequest, call: Call) -> HttpBody:
        """Raises QrInvalid."""
        return HttpBody(content_type="image/svg+xml", data=drawn(request.payload))


def drawn(payload: str) -> bytes:
    """An SVG of a payment code or a payer's one-time code. Raises QrInvalid."""
    if _ONE_TIME.fullmatch(payload):
        out = io.BytesIO()
        segno.make(payload, error="m", micro=False).save(
            out, kind="svg", border=image.QUIET_ZONE_MODULES, omitsize=True
        )
        return out.getvalue()
    try:
        return image.svg(payload)
    except QrError as error:
        raise QrInvalid(str(error), qr_code=error.code) from error
