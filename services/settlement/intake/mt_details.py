"""What a bank writes into :86: of an MT940: subfields (?20EREF+...), code words (/EREF/...), or plain text. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from services.settlement.intake.refusals import FIELD_MAX
from services.settlement.intake.values import our_id_in, prose

# A line this long ran on into the next one; a shorter one ended at a word.
_FULL_LINE = 65
_SUBFIELD = re.compile(r"\?(\d\d)", re.ASCII)
# A keyword begins a subfield or follows a blank; its value runs on through the next subfields.
_KEYWORD = re.compile(r"(?:^|[\n ])(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|IBAN|BIC)\+")
_WORD = re.compile(
    r"/(EREF|KREF|PREF|MARF|TRTP|ORDP|BENM|CNTP|REMI|RTRN|NAME|IBAN|ACCT|BIC|ID|CSID|PURP|ADDR|ISDT|PMTINF)/", re.ASCII
)


class Details(NamedTuple):
    """`reference`: the end-to-end id; `group`: the batch's or file's reference. "" where there is none."""

    reference: str = ""
    group: str = ""
    name: str = ""
    account: str = ""
    text: str = ""


def read_details(lines: list[str]) -> Details:
    """The lines of a :86: field."""
    if not lines:
        return Details()
    run_on = "".join(lines)
    if _SUBFIELD.search(run_on[:7]):
        found = _of_subfields(run_on)
    elif _WORD.match(run_on):
        found = _of_words(run_on)
    else:
        found = Details(text=prose([_spaced(lines)]))
    if found.reference:
        return found
    # Our id may be cut by the end of a line, or be a word on its own.
    return found._replace(reference=our_id_in(_spaced(lines)) or our_id_in(run_on) or our_id_in(found.text))


def _spaced(lines: list[str]) -> str:
    """Lines as running text."""
    text = ""
    for line in lines:
        text += line if len(line) >= _FULL_LINE else line + " "
    return text.strip()


def _of_subfields(text: str) -> Details:
    """Code, then ?00 booking text, ?20 to ?29 and ?60 to ?63 purpose, ?31 account, ?32 and ?33 name."""
    pieces = _SUBFIELD.split(text)
    fields: dict[str, str] = {}
    for code, value in zip(pieces[1::2], pieces[2::2], strict=True):
        fields[code] = fields.get(code, "") + value
    purpose = "\n".join(value for code, value in sorted(fields.items()) if code[0] == "2" or "60" <= code <= "63")
    words = _split(_KEYWORD, purpose)
    return Details(
        _given(words.get("EREF", "")), _given(words.get("KREF", "")),
        (fields.get("32", "") + fields.get("33", "")).strip()[:FIELD_MAX],
        fields.get("31", "").strip() or words.get("IBAN", ""), prose([words.get("SVWZ", "") or words[""]]),
    )  # fmt: skip


def _of_words(text: str) -> Details:
    """/EREF/..../REMI/..../NAME/....; /CNTP/account/bank/name/ has the other side in one."""
    words = _split(_WORD, text)
    name, account = words.get("NAME", ""), words.get("IBAN", "") or words.get("ACCT", "")
    if "CNTP" in words:
        account, _, rest = words["CNTP"].partition("/")
        name = rest.partition("/")[2].partition("/")[0]
    group = words.get("KREF", "") or words.get("PMTINF", "") or words.get("PREF", "")
    remittance = words.get("REMI", "").removeprefix("USTD//").removeprefix("/")
    return Details(_given(words.get("EREF", "")), _given(group), name[:FIELD_MAX], account, prose([remittance]))


def _split(word: re.Pattern[str], text: str) -> dict[str, str]:
    """What follows each code word, up to the next one; "" has what is before the first."""
    pieces = word.split(text)
    found = {"": pieces[0].replace("\n", "").strip()}
    for name, value in zip(pieces[1::2], pieces[2::2], strict=True):
        found.setdefault(name, value.strip().rstrip("/") if word is _WORD else value.replace("\n", "").strip())
    return found


def _given(reference: str) -> str:
    return "" if reference in ("NOTPROVIDED", "NONREF") else reference
