"""gRPC of what anybody may know: proto in, proto out."""

from __future__ import annotations

import io

from cho.onboarding.v1 import storefront_pb2 as pb
from google.api.httpbody_pb2 import HttpBody
from PIL import Image

from kit.errors import NotFound, WrongState
from kit.rpc.call import Call
from kit.uploads import photo, scanner
from services.onboarding import store
from services.onboarding.merchant import State
from services.onboarding.places import table
from services.onboarding.server.people import KIND_NUMBERS
from services.onboarding.store.merchants import merchant_by_id
from services.onboarding.storefront import store as shown

_HELPERS = ("team", "market_manager", "operator")
# It is looked at on a phone, over a weak signal, by somebody who is about to pay.
PIXELS_MAX = 640
# Another photo may take its place.
CACHED_S = 300


class StorefrontServicer:
    """The RPCs of cho.onboarding.v1.StorefrontService; roles are enforced before they are called."""

    def PutStallPhoto(self, request: pb.PutStallPhotoRequest, call: Call) -> pb.PutStallPhotoResponse:
        merchant = merchant_by_id(request.merchant_id)
        call.require_owner(merchant.owner_id, *_HELPERS)
        if merchant.state is not State.ACTIVE:
            raise WrongState("only of a stall that can be paid", state=merchant.state)
        # The scanner first: what it refuses, nothing else unpacks.
        scanner.scan(request.content)
        photo.inspect(request.content)
        picture = photo.shareable(request.content, PIXELS_MAX)
        with Image.open(io.BytesIO(picture)) as image:
            width, height = image.size
        sha256 = shown.put_photo(merchant.merchant_id, picture, call.caller.sub)
        return pb.PutStallPhotoResponse(sha256=sha256, width=width, height=height)

    def GetStallPhoto(self, request: pb.GetStallPhotoRequest, call: Call) -> HttpBody:
        if merchant_by_id(request.merchant_id).state is not State.ACTIVE:
            raise NotFound("there is no such stall, or it cannot be paid now")
        content = shown.photo(request.merchant_id)
        call.set_header("cache-control", f"public, max-age={CACHED_S}")
        call.set_header("x-content-type-options", "nosniff")
        return HttpBody(content_type="image/jpeg", data=content)

    def GetGrower(self, request: pb.GetGrowerRequest, call: Call) -> pb.GetGrowerResponse:
        found = store.enterprise(request.enterprise_id)
        if not found.enterprise.grows:
            raise NotFound("there is no such grower")
        grower = pb.Grower(
            enterprise_id=found.enterprise_id,
            kind=KIND_NUMBERS[found.enterprise.kind],
            name=found.enterprise.name,
        )
        try:
            ward = table.ward(found.enterprise.ward_code)
            grower.ward_name, grower.province_name = ward.name, ward.province.name
        except NotFound:
            pass  # a code of before July 2025, or a slip: known by its name all the same
        return pb.GetGrowerResponse(grower=grower)
