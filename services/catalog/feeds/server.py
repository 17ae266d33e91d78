"""gRPC of outward feeds: proto in, files out."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import IO

from cho.catalog.v1 import feeds_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit.clock import now_ms
from kit.config import settings
from kit.errors import InvalidArgument, NotFound, Overloaded
from kit.rpc.caching import unchanged
from kit.rpc.call import Call
from kit.rpc.threads import Servicers
from services.catalog import store
from services.catalog.feeds.formats import FORMATS, Format, written
from services.catalog.feeds.item import Item, gone_of, item_of
from services.catalog.product import State
from services.catalog.search.index import Index, Told
from services.catalog.search.question import ID_LENGTH_MAX

# Read from the index at once, and sent at once: below what gRPC takes (1 MB).
CHUNK = 500
PIECE_BYTES = 256 << 10
PROBLEMS_MAX = 200
# What changed so shortly ago is told again next time: two streams are read side by side, and one replica may be so far
# behind another.
AGAIN_MS = 10_000
# Under way at once: each is a file of up to 100 MB and a thread. So long may one be sent.
AT_ONCE = 4
SEND_S_MAX = 300

_KEEPERS = ("team", "market_manager", "operator")
_slots = threading.Semaphore(AT_ONCE)
# A whole feed of 100,000 products takes seconds of a core: one at a time leaves the other core to everybody else.
_writing = threading.Lock()


class FeedServicer:
    """The RPCs of cho.catalog.v1.FeedService."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def GetFeed(self, request: pb.GetFeedRequest, call: Call) -> Iterator[HttpBody]:
        form = _form(request.format)
        if request.since < 0 or any(len(text) > ID_LENGTH_MAX for text in (request.merchant_id, request.market_id)):
            raise InvalidArgument("since is what an earlier call said, or 0; ids have at most 64 characters")
        if not _slots.acquire(blocking=False):
            raise Overloaded(f"{AT_ONCE} feeds are under way: try again in a moment")
        try:
            # All of it before the first byte is sent: what fails in the middle of a file would look like its end.
            with tempfile.TemporaryFile(dir=self._index.folder) as file:
                with _writing:
                    # Before anything is read: what changes meanwhile is told next time.
                    next_since = min(self._index.last_told_ms(), now_ms() - AGAIN_MS)
                    digest = self._write(file, form, request)
                call.set_header("x-cho-next-since", str(max(0, next_since)))
                call.set_header("x-cho-bytes", str(file.tell()))
                if unchanged(call, f'"{digest}"'):
                    yield HttpBody(content_type=form.content_type)
                else:
                    yield from _sent(file, form.content_type)
        finally:
            _slots.release()

    def _write(self, file: IO[bytes], form: Format, request: pb.GetFeedRequest) -> str:
        """The file, and the digest of what is in it."""
        digest = hashlib.sha256()
        found = self._told(request.merchant_id, request.market_id, request.since)
        for text in written(form, map(_item, found), changes=bool(request.since)):
            data = text.encode()
            digest.update(data)
            file.write(data)
        return digest.hexdigest()[:32]

    def ListFeedProblems(self, request: pb.ListFeedProblemsRequest, call: Call) -> pb.ListFeedProblemsResponse:
        form = _form(request.format)
        merchant = store.merchant(request.merchant_id)
        call.require_owner(merchant.owner_id, *_KEEPERS)
        reply = pb.ListFeedProblemsResponse()
        for told in self._told(merchant.id, "", 0):
            problems = form.problems(_item(told))
            reply.good += not problems
            if problems and len(reply.products) < PROBLEMS_MAX:
                reply.products.add(product_id=told.product.product_id, name=told.product.name, problems=problems)
        return reply

    def _told(self, merchant_id: str, market_id: str, since_ms: int) -> Iterator[Told]:
        """In chunks, so that no reader keeps the index from being written. Drafts were in no feed, and are in none as
        something that is gone."""
        after = -1
        while chunk := self._index.told(merchant_id, market_id, since_ms, after, CHUNK):
            yield from (told for told in chunk if told.product.state != State.DRAFT)
            after = chunk[-1].position


def feed_servicers(index: Index) -> Servicers:
    """What the catalog's server serves of feeds."""
    return [(pb.DESCRIPTOR.services_by_name["FeedService"], FeedServicer(index))]


def _form(name: str) -> Format:
    form = FORMATS.get(name)
    if form is None:
        raise NotFound(f"there are these feeds: {', '.join(FORMATS)}")
    return form


def _item(told: Told) -> Item:
    if not told.shown:
        return gone_of(told.product.product_id)
    known = settings()
    base = known.public_url or f"http://{known.gateway_host}:{known.gateway_port}"
    return item_of(told.product, told.market, base.rstrip("/"))


def _sent(file: IO[bytes], content_type: str) -> Iterator[HttpBody]:
    """In pieces, an empty file, too. Raises Overloaded for who takes SEND_S_MAX and has not taken all of it."""
    file.seek(0)
    until = time.monotonic() + SEND_S_MAX
    piece = file.read(PIECE_BYTES)
    yield HttpBody(content_type=content_type, data=piece)
    while piece := file.read(PIECE_BYTES):
        if time.monotonic() > until:
            raise Overloaded(f"the feed was not taken within {SEND_S_MAX} s")
        yield HttpBody(content_type=content_type, data=piece)
