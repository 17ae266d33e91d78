"""Photos of products: what is kept of them, and what is refused."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from cho.catalog.v1 import photos_pb2 as pb
from cho.catalog.v1 import photos_pb2_grpc
from cho.events.v1 import events_pb2
from PIL import Image

from kit.config import settings
from kit.ids import new_id, new_key
from kit.rpc.status import error_code
from kit.rpc.threads import Server
from services.catalog import photos, store
from services.catalog.photos import photo_servicers
from services.catalog.product import Offer, State
from services.catalog.store import Product

pytestmark = pytest.mark.usefixtures("database")
Caller = tuple[tuple[str, str], ...]
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GPS, ORIENTATION, TURNED_RIGHT = 0x8825, 0x0112, 6


@pytest.fixture(scope="module")
def stub() -> Iterator[Any]:
    running = Server("127.0.0.1:0", photo_servicers())
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield photos_pb2_grpc.PhotoServiceStub(channel)
    running.stop()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings(), "home", tmp_path)
    return tmp_path


@pytest.fixture
def tea_product(merchant_changed: Callable[..., events_pb2.MerchantChanged], tea: Offer) -> Product:
    changed = merchant_changed()
    store.apply_merchant("merchant.activated", changed)
    return store.create(store.merchant(changed.merchant_id), tea, changed.owner_id, new_key())


@pytest.fixture
def vendor(tea_product: Product) -> Caller:
    return caller(tea_product.merchant.owner_id, "vendor")


def caller(sub: str, *roles: str) -> Caller:
    return (("x-cho-edge", settings().edge_secret), ("x-cho-sub", sub), ("x-cho-roles", ",".join(roles)))


def picture(colour: int = 90, size: tuple[int, int] = (300, 200), kind: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (colour, 20, 20)).save(out, kind, **options)
    return out.getvalue()


def upload(product: Product, content: bytes) -> pb.UploadPhotoRequest:
    return pb.UploadPhotoRequest(product_id=product.id, content=content)


def refused(code: str, rpc: Callable[..., Any], request: Any, metadata: Caller = ()) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        rpc(request, metadata=metadata)
    assert error_code(raised.value) == code


def test_a_photo_is_kept_once_told_of_and_seen_by_all(stub: Any, tea_product: Product, vendor: Caller) -> None:
    for _ in range(2):
        kept = stub.UploadPhoto(upload(tea_product, picture()), metadata=vendor)
    assert store.product(tea_product.id).photos == (kept.sha256,)
    assert kept.address == f"/v1/products/{tea_product.id}/photos/{kept.sha256}"
    seen = stub.GetPhoto(pb.GetPhotoRequest(product_id=tea_product.id, sha256=kept.sha256))
    assert seen.content_type == "image/jpeg"
    assert hashlib.sha256(seen.data).hexdigest() == kept.sha256
    told = events_pb2.ProductChanged.FromString(store.CatalogProduct.objects(id=tea_product.id).get().outbox[-1].data)
    assert list(told.photos) == [kept.sha256]


def test_a_photo_is_shown_upright_smaller_and_without_where_it_was_taken(
    stub: Any, tea_product: Product, vendor: Caller
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED_RIGHT
    exif.get_ifd(GPS)[1] = "N"
    content = picture(size=(3_000, 1_500), exif=exif)
    with Image.open(io.BytesIO(content)) as image:
        assert image.getexif().get_ifd(GPS)
    kept = stub.UploadPhoto(upload(tea_product, content), metadata=vendor)
    assert (kept.width, kept.height) == (640, 1_280)
    seen = stub.GetPhoto(pb.GetPhotoRequest(product_id=tea_product.id, sha256=kept.sha256))
    with Image.open(io.BytesIO(seen.data)) as image:
        assert image.size == (640, 1_280)
        assert not dict(image.getexif())


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_other_kinds_of_pictures_become_jpeg(stub: Any, tea_product: Product, vendor: Caller, kind: str) -> None:
    kept = stub.UploadPhoto(upload(tea_product, picture(kind=kind)), metadata=vendor)
    seen = stub.GetPhoto(pb.GetPhotoRequest(product_id=tea_product.id, sha256=kept.sha256))
    assert seen.data.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "DOCUMENT_REFUSED"),
        (b"%PDF-1.7 ...", "DOCUMENT_REFUSED"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "DOCUMENT_REFUSED"),
        (picture(kind="GIF"), "DOCUMENT_REFUSED"),
        (picture()[:300], "DOCUMENT_REFUSED"),
        (b"\xff\xd8\xff" + b"\0" * (700 * 1024), "DOCUMENT_REFUSED"),
        (picture(size=(90, 90)), "DOCUMENT_REFUSED"),
        (picture() + EICAR, "DOCUMENT_INFECTED"),
    ],
)  # fmt: skip
def test_what_is_no_photo_is_refused_and_leaves_nothing(
    stub: Any, tea_product: Product, vendor: Caller, home: Path, content: bytes, code: str
) -> None:
    refused(code, stub.UploadPhoto, upload(tea_product, content), vendor)
    assert not store.product(tea_product.id).photos
    assert not list(home.rglob("*.*"))
    assert not (home / "photos").exists()


def test_a_product_has_so_many_photos_and_one_that_is_taken_off_is_gone(
    stub: Any, tea_product: Product, vendor: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "PHOTOS_MAX", 2)
    first, _ = (stub.UploadPhoto(upload(tea_product, picture(colour)), metadata=vendor) for colour in (1, 200))
    refused("LIMIT_EXCEEDED", stub.UploadPhoto, upload(tea_product, picture(90)), vendor)
    gone = pb.RemovePhotoRequest(product_id=tea_product.id, sha256=first.sha256)
    for _ in range(2):
        stub.RemovePhoto(gone, metadata=vendor)
    refused("NOT_FOUND", stub.GetPhoto, pb.GetPhotoRequest(product_id=tea_product.id, sha256=first.sha256))
    stub.UploadPhoto(upload(tea_product, picture(90)), metadata=vendor)
    assert len(store.product(tea_product.id).photos) == 2


def test_strangers_add_no_photos_and_see_none_of_what_is_hidden(
    stub: Any, tea_product: Product, vendor: Caller
) -> None:
    stranger = caller(new_id("usr"), "vendor")
    refused("NOT_FOUND", stub.UploadPhoto, upload(tea_product, picture()), stranger)
    refused("NOT_FOUND", stub.RemovePhoto, pb.RemovePhotoRequest(product_id=tea_product.id), stranger)
    kept = stub.UploadPhoto(upload(tea_product, picture()), metadata=vendor)
    store.update(tea_product, {"state": State.HIDDEN})
    wanted = pb.GetPhotoRequest(product_id=tea_product.id, sha256=kept.sha256)
    refused("NOT_FOUND", stub.GetPhoto, wanted, stranger)
    assert stub.GetPhoto(wanted, metadata=vendor).data
    refused("NOT_FOUND", stub.GetPhoto, pb.GetPhotoRequest(product_id=tea_product.id, sha256="../../etc"), vendor)
    store.update(store.product(tea_product.id), {"state": State.WITHDRAWN})
    refused("WRONG_STATE", stub.UploadPhoto, upload(tea_product, picture(7)), vendor)
