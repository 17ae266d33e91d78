"""How expected movements and statement entries are brought together: rules as data, in order, with a version. Pure.

rules = RuleSet.from_json(path.read_text())     # or BANK, TELECOM
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

from kit.errors import InvalidArgument

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
BY = ("reference", "group", "account")
RULES_MAX = 16
DAYS_MAX = 60
TOLERANCE_MAX = 1_000_000_000
HOLIDAYS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Rule:
    """One way of finding what belongs together.

    `by`: "reference": sums of equal end-to-end ids; "group": sums of a batch or message whose entries do not carry
    end-to-end ids; "account": entries without any reference, one to one, by amount, counterparty's account and date.
    `tolerance`: by how many đồng the sums may differ. `days`: business days after ours, by which the entry is still
    the same movement; only for "account", where nothing else tells one payout from the next.
    """

    name: str
    by: str
    tolerance: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules in the order in which they are tried. `version` names them in reconciliations: other rules, other version.

    `early_days`, `late_days`: business days before and after ours, between which an entry is in time.
    `expect_later`: what is not shown by then is missing, and open until then; False where the other side's file is
    whole (a telecom's record of a closed window), so that what it does not hold is missing now.
    `blanks`: what banks write where they have no reference. `high_from`, `critical_from`: đồng at risk from which a
    break is of that severity. `holidays`: days on which banks do not book, besides Saturdays and Sundays.
    """

    version: str
    rules: tuple[Rule, ...]
    early_days: int = 1
    late_days: int = 1
    expect_later: bool = True
    blanks: tuple[str, ...] = ("NOTPROVIDED", "NONREF", "NONE", "N/A")
    high_from: int = 10_000_000
    critical_from: int = 500_000_000
    holidays: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        """Raises InvalidArgument for rules that contradict themselves."""
        _need(bool(self.version) and len(self.version) <= 64, "version: 1 to 64 characters")
        _need(0 < len(self.rules) <= RULES_MAX, f"rules: 1 to {RULES_MAX}")
        names = [rule.name for rule in self.rules]
        _need(len(set(names)) == len(names) and all(map(_NAME.fullmatch, names)),
              "rules: names of 1 to 64 letters, digits, - and _, each once")  # fmt: skip
        for rule in self.rules:
            _need(rule.by in BY, f"rule {rule.name}: by is one of {', '.join(BY)}")
            _need(_whole(rule.tolerance, TOLERANCE_MAX), f"rule {rule.name}: tolerance is 0 to {TOLERANCE_MAX} đồng")
            _need(_whole(rule.days, DAYS_MAX), f"rule {rule.name}: days are 0 to {DAYS_MAX}")
            _need(rule.by == "account" or not rule.days, f"rule {rule.name}: days are for rules by account only")
        for name in ("early_days", "late_days"):
            _need(_whole(getattr(self, name), DAYS_MAX), f"{name}: 0 to {DAYS_MAX}")
        _need(isinstance(self.expect_later, bool), "expect_later: true or false")
        _need(len(self.holidays) <= HOLIDAYS_MAX, f"holidays: at most {HOLIDAYS_MAX}")
        _need(len(self.blanks) <= HOLIDAYS_MAX and all(isinstance(b, str) for b in self.blanks), "blanks: texts")
        _need(_whole(self.high_from, 1 << 53) and _whole(self.critical_from, 1 << 53), "high_from, critical_from: đồng")

    @classmethod
    def from_json(cls, text: str) -> RuleSet:
        """Reads what `to_json` writes. Raises InvalidArgument that names what is wrong, unknown fields included."""
        try:
            given = json.loads(text)
        except ValueError as error:
            raise InvalidArgument(f"the rules are not JSON: {error}") from error
        known = _known(cls, given, "the rules")
        _need(isinstance(known.get("rules"), list), "rules: a list")
        for name in ("blanks", "holidays"):
            _need(isinstance(known.get(name, []), list), f"{name}: a list")
        try:
            known["rules"] = tuple(Rule(**_known(Rule, rule, "a rule")) for rule in known["rules"])
            if "holidays" in known:
                known["holidays"] = tuple(sorted(date.fromisoformat(day) for day in known["holidays"]))
            if "blanks" in known:
                known["blanks"] = tuple(known["blanks"])
            return cls(**known)
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"the rules cannot be read: {error}") from error

    def to_json(self) -> str:
        """All of it, in a fixed order."""
        return json.dumps(asdict(self), ensure_ascii=False, default=str, indent=2)


def _known(kind: type, given: Any, what: str) -> dict[str, Any]:
    _need(isinstance(given, dict), f"{what}: an object")
    names = {field.name for field in fields(kind)}
    unknown = sorted(set(given) - names)
    _need(not unknown, f"{what}: unknown: {', '.join(unknown)}")
    return dict(given)


def _whole(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _need(holds: bool, message: str) -> None:
    if not holds:
        raise InvalidArgument(message)


# A bank's statement of the scheme's account: payouts and net positions, booked within a business day.
BANK = RuleSet(
    "bank-1",
    (Rule("reference", "reference"), Rule("group", "group"), Rule("account", "account", days=1)),
)

# A telecom's own record of a closed window: every posting by its transfer's id, nothing later.
TELECOM = RuleSet("telecom-1", (Rule("reference", "reference"),), expect_later=False)

# A day's file of the interbank switch: payouts by our end-to-end id, or by their payees' accounts where it is left out.
SWITCH = RuleSet("switch-1", (Rule("reference", "reference"), Rule("account", "account", days=1)))
