"""What payments keeps: the hot ledger in Valkey, and documents in MongoDB off the path of a payment."""

from __future__ import annotations


def open_documents() -> None:
    """Connects this process to payments' database, and creates what is missing there. Call after any fork.

    Raises pymongo.errors.PyMongoError. Not `open_store`, which a process does before all else: payments, and telling of
    them, wait for no MongoDB. Imported here: who only wants the ledger needs no mongoengine.
    """
    from kit import mongo
    from services.payments.store import disbursements, topups, webhook_documents

    mongo.open_store("payments", (*topups.DOCUMENTS, *disbursements.DOCUMENTS, *webhook_documents.DOCUMENTS))
