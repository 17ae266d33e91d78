"""The messages that we write and read, and their versions: the one place where these are named. Pure."""

from __future__ import annotations

from typing import NamedTuple

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"


class Message(NamedTuple):
    """A message that we write: its full name, and the element below Document."""

    version: str
    root: str


# The 2019 release, which belongs together (the base of CBPR+), in the versions that banks take today; but pacs.009 of
# the year after, the oldest whose official schema can be had and is what the tests hold it against.
WRITTEN = {
    "pain.001": Message("pain.001.001.09", "CstmrCdtTrfInitn"),
    "pacs.008": Message("pacs.008.001.08", "FIToFICstmrCdtTrf"),
    "pacs.009": Message("pacs.009.001.09", "FICdtTrf"),
    "camt.053": Message("camt.053.001.08", "BkToCstmrStmt"),
    "camt.054": Message("camt.054.001.08", "BkToCstmrDbtCdtNtfctn"),
}

# Status reports that we read: the element below Document to the message and its versions.
STATUSES = {
    "CstmrPmtStsRpt": ("pain.002", ("pain.002.001.03", "pain.002.001.10", "pain.002.001.12", "pain.002.001.14")),
    "FIToFIPmtStsRpt": ("pacs.002", ("pacs.002.001.03", "pacs.002.001.10", "pacs.002.001.11", "pacs.002.001.12")),
}
