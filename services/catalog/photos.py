"""Photos of products, and their gRPC server."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

from cho.catalog.v1 import photos_pb2 as pb
from google.api.httpbody_pb2 import HttpBody
from PIL import Image

from kit.errors import LimitExceeded, NotFound, WrongState
from kit.rpc.call import Call
from kit.rpc.threads import Servicers
from kit.uploads import photo, scanner
from kit.uploads.files import files
from services.catalog import store
from services.catalog.product import State
from services.catalog.store import Product
from services.catalog.visible import kept, visible

PHOTOS_MAX = 6


class PhotoServicer:
    """The RPCs of cho.catalog.v1.PhotoService; roles are enforced before they are called."""

    def UploadPhoto(self, request: pb.UploadPhotoRequest, call: Call) -> pb.UploadPhotoResponse:
        product = kept(request.product_id, call)
        # The scanner first: what it refuses, nothing else unpacks.
        scanner.scan(request.content)
        photo.inspect(request.content)
        shown = photo.shareable(request.content)
        sha256 = keep(product, shown)
        with Image.open(io.BytesIO(shown)) as image:
            width, height = image.size
        return pb.UploadPhotoResponse(
            sha256=sha256, address=f"/v1/products/{product.id}/photos/{sha256}", width=width, height=height
        )

    def GetPhoto(self, request: pb.GetPhotoRequest, call: Call) -> HttpBody:
        product = visible(request.product_id, call)
        if request.sha256 not in product.photos:
            raise NotFound("the product has no such photo")
        content = files("photos").get(product.id, request.sha256)
        call.set_header("x-content-type-options", "nosniff")
        return HttpBody(content_type="image/jpeg", data=content)

    def RemovePhoto(self, request: pb.RemovePhotoRequest, call: Call) -> pb.RemovePhotoResponse:
        product = kept(request.product_id, call)

        def without(found: Product) -> Product:
            return replace(found, photos=tuple(one for one in found.photos if one != request.sha256))

        store.change(product.id, without)
        return pb.RemovePhotoResponse()


def keep(product: Product, content: bytes) -> str:
    """Adds a photo to a product; its SHA-256. The same again changes nothing.

    The file first: a death between the two leaves a file that nothing refers to, and the next try finds it there.
    Raises LimitExceeded, WrongState (withdrawn), Unavailable, Contention, Overloaded.
    """
    sha256 = hashlib.sha256(content).hexdigest()

    def with_it(found: Product) -> Product:
        if sha256 in found.photos:
            return found
        if found.state is State.WITHDRAWN:
            raise WrongState("the product is withdrawn", state=found.state)
        if len(found.photos) >= PHOTOS_MAX:
            raise LimitExceeded(f"a product has at most {PHOTOS_MAX} photos")
        return replace(found, photos=(*found.photos, sha256))

    # What would be refused leaves no file.
    with_it(product)
    files("photos").put(product.id, sha256, content)
    store.change(product.id, with_it)
    return sha256


def photo_servicers() -> Servicers:
    """What this room serves, by service descriptor."""
    return [(pb.DESCRIPTOR.services_by_name["PhotoService"], PhotoServicer())]
