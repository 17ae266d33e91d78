"""Rules are data: written and read back, and refused where they contradict themselves; suggestions are bounded."""

from __future__ import annotations

import json
from datetime import date

import pytest

from kit.errors import InvalidArgument
from services.settlement.matching import suggest
from services.settlement.matching.rules import BANK, TELECOM, Rule, RuleSet
from tests.settlement.matching_day import MONDAY, ours, theirs


@pytest.mark.parametrize("rules", [BANK, TELECOM, RuleSet("tet", BANK.rules, holidays=(date(2027, 2, 8),))])
def test_rules_are_read_as_they_were_written(rules: RuleSet) -> None:
    assert RuleSet.from_json(rules.to_json()) == rules


def test_only_version_and_rules_have_to_be_given() -> None:
    given = RuleSet.from_json('{"version": "x", "rules": [{"name": "fee", "by": "reference", "tolerance": 3300}]}')
    assert given.rules == (Rule("fee", "reference", 3300),)
    assert given.late_days == BANK.late_days


@pytest.mark.parametrize(
    "change",
    [
        {"version": ""}, {"rules": []}, {"rules": {}}, {"rules": ["reference"]}, {"unknown": 1},
        {"rules": [{"name": "a", "by": "reference"}] * 2}, {"rules": [{"name": "a", "by": "luck"}]},
        {"rules": [{"name": "a.b", "by": "group"}]}, {"rules": [{"name": "a", "by": "group", "tolerance": -1}]},
        {"rules": [{"name": "a", "by": "group", "tolerance": 1.5}]}, {"rules": [{"name": "a"}]},
        {"rules": [{"name": "a", "by": "group", "days": 1}]}, {"rules": [{"name": "a", "by": "account", "days": 61}]},
        {"late_days": True}, {"early_days": -1}, {"expect_later": 1}, {"holidays": ["someday"]}, {"blanks": [1]},
        {"blanks": "NONREF"}, {"high_from": "1"},
    ],
)  # fmt: skip
def test_rules_that_cannot_be_followed_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        RuleSet.from_json(json.dumps(json.loads(BANK.to_json()) | change))


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_what_is_not_a_set_of_rules_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        RuleSet.from_json(text)


# Suggestions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (theirs(1, "PO-354"), "REFERENCE_TRANSPOSED"),
        (theirs(1, "PO-35"), "REFERENCE_CLOSE"),
        (theirs(1, "FT1", text="CHO40 PO-345 thanh toan"), "REFERENCE_IN_TEXT"),
        (theirs(1, "PO-345", 57_000), "AMOUNT_TRANSPOSED"),
        (theirs(1, "PO-345", 75_700), "AMOUNT_CLOSE"),
        (theirs(1, "X", counterparty_account="77"), "ACCOUNT_EQUAL"),
        (theirs(1, "PO-345", booked_on=MONDAY), "DATE_CLOSE"),
    ],
)
def test_a_score_says_why(entry: object, why: str) -> None:
    points, reasons = suggest.score(ours("PO-345", counterparty_account="77"), entry)  # type: ignore[arg-type]
    assert why in reasons
    assert suggest.SCORE_MIN <= points <= 100


def test_other_sides_and_currencies_are_never_suggested() -> None:
    assert suggest.score(ours("A"), theirs(1, "A", side="C"))[0] == 0
    assert suggest.score(ours("A"), theirs(1, "A", currency="USD"))[0] == 0


def test_the_best_score_is_100() -> None:
    x = ours("PO-345", counterparty_account="77")
    assert suggest.score(x, theirs(1, "PO-345", counterparty_account="77"))[0] == 100


def test_a_thousand_alike_get_a_few_suggestions_each_and_few_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    score = suggest.score
    monkeypatch.setattr(suggest, "score", lambda x, y: looked.append(1) or score(x, y))
    missing = [ours(f"PO-{n:06d}") for n in range(1000)]
    extra = [theirs(n, f"PO-{n:06d}X") for n in range(1, 1001)]
    for_missing, for_extra = suggest.suggest(missing, extra)
    assert all(1 <= len(found) <= suggest.EACH_MAX for found in [*for_missing, *for_extra])
    assert len(looked) < 2000 * 70


def test_beyond_the_limit_the_largest_amounts_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggest, "ITEMS_MAX", 1)
    for_missing, _ = suggest.suggest([ours("PO-1", 5), ours("PO-2", 9)], [theirs(1, "PO-2", 9), theirs(2, "PO-1", 5)])
    assert [len(found) for found in for_missing] == [0, 1]
