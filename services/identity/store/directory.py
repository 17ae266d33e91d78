"""Tells other services of people who were created before their phone's index was told.

Whoever finds people by phone (payments) knows them from events alone. A person without a `version` has not been told
of as they should be: each gets one `user.changed`, in the same write as the version, so that it is told once however
often this runs and whoever else runs it.
"""

from __future__ import annotations

from itertools import islice

import pymongo

from services.identity.store.people import FIRST_VERSION, Person, user_changed

# Documents a write.
_BATCH = 500


def tell_of_everybody() -> int:
    """An event for everybody who lacks one; how many. Where nobody does, one look at an index."""
    # One cursor and not a query a batch: SecantusDB reads the whole index for each.
    untold = iter(
        Person.objects(version=None).only("id", "name", "phone_index", "roles", "institution", "person_id").no_cache()
    )
    told = 0
    while batch := list(islice(untold, _BATCH)):
        updates = [
            pymongo.UpdateOne(
                {"_id": person.id, "version": None},
                {"$set": {"version": FIRST_VERSION}, "$push": {"outbox": user_changed(person).to_mongo()}},
            )
            for person in batch
        ]
        told += Person._get_collection().bulk_write(updates, ordered=False).modified_count
    return told
