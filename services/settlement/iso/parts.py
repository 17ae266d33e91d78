"""Pieces that several messages share: parties, accounts, agents, amounts. Pure.

Elements have no namespace of their own: the Document around them declares it once (`stream.py`), so that a file of
100,000 transfers does not repeat it 100,000 times.
"""

from __future__ import annotations

from lxml import etree

from services.settlement.iso import values
from services.settlement.records import VND, Party


def child(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    """Adds an element below another."""
    element = etree.SubElement(parent, name)
    element.text = text
    return element


def path(parent: etree._Element, names: str, text: str) -> None:
    """Adds elements in each other ("Id/Othr/Id"), the innermost with a text."""
    *outer, last = names.split("/")
    for name in outer:
        parent = etree.SubElement(parent, name)
    etree.SubElement(parent, last).text = text


def money(parent: etree._Element, name: str, dong: int) -> None:
    """An amount of VND, whose exponent is 0: written without decimals."""
    element = etree.SubElement(parent, name)
    element.set("Ccy", VND)
    element.text = values.amount(dong)


def agent(parent: etree._Element, name: str, member: str) -> None:
    """An institution, by its name in the scheme: a BIN or a telecom's code."""
    path(parent, f"{name}/FinInstnId/ClrSysMmbId/MmbId", values.identifier(member))


def account(parent: etree._Element, name: str, number: str) -> None:
    """An account by its number: Vietnam has no IBANs."""
    path(parent, f"{name}/Id/Othr/Id", values.identifier(number, values.ACCOUNT_MAX))


def name_of(party: Party) -> str:
    """A party's name as a file may have it; its account where nothing of the name can be shown."""
    return values.clean(party.name, values.NAME_MAX) or values.identifier(party.account, values.ACCOUNT_MAX)


def remittance(parent: etree._Element, text: str) -> None:
    """The text that the payee reads, where there is one."""
    if cleaned := values.clean(text, values.TEXT_MAX):
        path(parent, "RmtInf/Ustrd", cleaned)
