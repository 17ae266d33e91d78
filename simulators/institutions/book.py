"""The bank's book: accounts, messages, instructions, and bookings, which move money between two accounts at once.

Amounts are whole đồng, days ISO dates in Vietnam. What is on all accounts together never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from simulators.institutions.iso_camt import Entry, Totals
from simulators.institutions.iso_in import Head, Transfer
from simulators.institutions.lines import Line
from simulators.institutions.store import Store

AMOUNT_MAX = 10**15
_A_PART = 1000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    agent TEXT NOT NULL, account TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL,
    opening INTEGER NOT NULL, balance INTEGER NOT NULL, PRIMARY KEY (agent, account));
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, message_id TEXT NOT NULL, sha256 TEXT NOT NULL, file TEXT NOT NULL,
    received_ms INTEGER NOT NULL, count INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    reason_text TEXT NOT NULL, UNIQUE (kind, message_id));
CREATE TABLE IF NOT EXISTS instructions (
    id INTEGER PRIMARY KEY, message INTEGER NOT NULL, payment_id TEXT NOT NULL, instruction_id TEXT NOT NULL,
    end_to_end_id TEXT NOT NULL, transaction_id TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL,
    debtor_name TEXT NOT NULL, debtor_account TEXT NOT NULL, debtor_agent TEXT NOT NULL, debtor_member TEXT NOT NULL,
    creditor_name TEXT NOT NULL, creditor_account TEXT NOT NULL, creditor_agent TEXT NOT NULL,
    creditor_member TEXT NOT NULL, text TEXT NOT NULL, status TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
    reason_text TEXT NOT NULL DEFAULT '', bank_reference TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS instructions_by_message ON instructions (message, id);
-- An end-to-end id is paid once, whatever messages carry it.
CREATE UNIQUE INDEX IF NOT EXISTS paid_once ON instructions (end_to_end_id) WHERE status IN ('ACSC', 'ACSP');
CREATE TABLE IF NOT EXISTS bookings (
    id INTEGER PRIMARY KEY AUTOINCREMENT, agent TEXT NOT NULL, account TEXT NOT NULL, side TEXT NOT NULL,
    amount INTEGER NOT NULL, booked_on TEXT NOT NULL, instruction INTEGER NOT NULL, bank_reference TEXT NOT NULL,
    return_reason TEXT NOT NULL, notice INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS bookings_by_day ON bookings (account, agent, booked_on, id);
CREATE INDEX IF NOT EXISTS bookings_by_notice ON bookings (notice, id);
CREATE UNIQUE INDEX IF NOT EXISTS booked_once ON bookings (instruction, side, return_reason = '');
CREATE TABLE IF NOT EXISTS returns (
    instruction INTEGER PRIMARY KEY, due_ms INTEGER NOT NULL, reason TEXT NOT NULL, booked INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS returns_due ON returns (due_ms) WHERE NOT booked;
CREATE TABLE IF NOT EXISTS statements (
    account TEXT NOT NULL, day TEXT NOT NULL, closing INTEGER NOT NULL, PRIMARY KEY (account, day));
"""

_INSTRUCTION = (
    "id, payment_id, instruction_id, end_to_end_id, transaction_id, amount, currency, debtor_name, debtor_account, "
    "debtor_agent, debtor_member, creditor_name, creditor_account, creditor_agent, creditor_member, text, status, "
    "reason, reason_text, bank_reference"
)
_ENTRY = (
    "SELECT b.side, b.amount, b.booked_on, b.bank_reference, b.return_reason, i.end_to_end_id, i.payment_id, "
    "i.instruction_id, i.debtor_name, i.debtor_account, i.debtor_agent, i.creditor_name, i.creditor_account, "
    "i.creditor_agent, i.text, m.message_id FROM bookings AS b JOIN instructions AS i ON i.id = b.instruction "
    "JOIN messages AS m ON m.id = i.message "
)


@dataclass(frozen=True, slots=True)
class Customer:
    """An account at the bank. `owner`: "PLATFORM" (the scheme), a telecom's code, ..."""

    account: str
    owner: str
    name: str
    balance: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was seen. `row` is its number here, `count` its transfers."""

    row: int
    kind: str
    message_id: str
    sha256: str
    count: int
    status: str
    reason: str
    reason_text: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """One transfer of a message, and what became of it. `row` is its number here; `amount` is 0 where it is none."""

    row: int
    payment_id: str
    instruction_id: str
    end_to_end_id: str
    transaction_id: str
    amount: int
    currency: str
    debtor_name: str
    debtor_account: str
    debtor_agent: str
    debtor_member: str
    creditor_name: str
    creditor_account: str
    creditor_agent: str
    creditor_member: str
    text: str
    status: str
    reason: str
    reason_text: str
    bank_reference: str


class Book(Store):
    """`bank`: its BIN."""

    def __init__(self, path: Path, bank: str) -> None:
        super().__init__(path, _SCHEMA)
        self.bank = bank

    # ---------------------------------------------------------------- accounts

    def open_accounts(self, customers: Iterable[Customer]) -> None:
        """Opens accounts that are not open yet, with what is on them."""
        sql = "INSERT OR IGNORE INTO accounts VALUES (?, ?, ?, ?, ?, ?)"
        rows = ((self.bank, one.account, one.owner, one.name, one.balance, one.balance) for one in customers)
        self.db.executemany(sql, rows)

    def account(self, agent: str, account: str) -> int | None:
        """What is on an account; None where it is not known."""
        sql = "SELECT balance FROM accounts WHERE agent = ? AND account = ?"
        row = self.db.execute(sql, (agent, account)).fetchone()
        return None if row is None else int(row[0])

    def account_of(self, owner: str) -> str:
        """An owner's account at this bank, the newest where there are more, "" where there is none."""
        sql = "SELECT account FROM accounts WHERE agent = ? AND owner = ? ORDER BY rowid DESC LIMIT 1"
        row = self.db.execute(sql, (self.bank, owner)).fetchone()
        return row[0] if row else ""

    def customer(self, account: str) -> Customer:
        """Whose an account at this bank is, with what was on it at first."""
        sql = "SELECT account, owner, name, opening FROM accounts WHERE agent = ? AND account = ?"
        return Customer(*self.db.execute(sql, (self.bank, account)).fetchone())

    def has_accounts(self) -> bool:
        return self.db.execute("SELECT 1 FROM accounts LIMIT 1").fetchone() is not None

    def set_balances(self, balances: dict[tuple[str, str], int], names: dict[tuple[str, str], str]) -> None:
        """New balances; an account elsewhere that is paid for the first time is noted."""
        self.db.executemany(
            "INSERT INTO accounts VALUES (?, ?, '', ?, 0, ?) ON CONFLICT DO UPDATE SET balance = excluded.balance",
            ((*key, names.get(key, ""), balance) for key, balance in balances.items()),
        )

    # ---------------------------------------------------------------- messages

    def message(self, kind: str, message_id: str) -> Message | None:
        """A message that was seen before."""
        return self._message("kind = ? AND message_id = ?", kind, message_id)

    def message_at(self, row: int) -> Message:
        """A message by its number here."""
        found = self._message("id = ?", row)
        assert found is not None, f"message {row} is in the book"
        return found

    def _message(self, where: str, *values: object) -> Message | None:
        sql = f"SELECT id, kind, message_id, sha256, count, status, reason, reason_text FROM messages WHERE {where}"  # noqa: S608
        row = self.db.execute(sql, values).fetchone()
        return Message(*row) if row else None

    def next_message(self) -> int:
        """The number that the next message gets."""
        return int(self.db.execute("SELECT coalesce(max(id), 0) + 1 FROM messages").fetchone()[0])

    def add_message(self, row: int, head: Head, sha256: str, file: str, received_ms: int, count: int) -> None:
        """Notes a message, with no status yet."""
        self.db.execute(
            "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, '', '', '')",
            (row, head.kind, head.message_id, sha256, file, received_ms, count),
        )

    def set_status(self, message: int, status: str, reason: str = "", text: str = "") -> None:
        """What became of a message as a whole."""
        sql = "UPDATE messages SET status = ?, reason = ?, reason_text = ? WHERE id = ?"
        self.db.execute(sql, (status, reason, text, message))

    def statuses(self, message: int) -> dict[str, int]:
        """How many of a message's instructions have which status."""
        sql = "SELECT status, count(*) FROM instructions WHERE message = ? GROUP BY status"
        return dict(self.db.execute(sql, (message,)))

    # ---------------------------------------------------------------- instructions

    def add_instructions(self, message: int, transfers: Iterable[Transfer]) -> None:
        """Notes a message's transfers in their order, with no status yet."""
        self.db.executemany(
            "INSERT INTO instructions (message, payment_id, instruction_id, end_to_end_id, transaction_id, amount, "
            "currency, debtor_name, debtor_account, debtor_agent, debtor_member, creditor_name, creditor_account, "
            "creditor_agent, creditor_member, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (message, one.payment_id, one.instruction_id, one.end_to_end_id, one.transaction_id, _dong(one),
                 one.currency, one.debtor.name, one.debtor.account, one.debtor.agent, one.debtor.member,
                 one.creditor.name, one.creditor.account, one.creditor.agent, one.creditor.member, one.text)
                for one in transfers
            ),
        )  # fmt: skip

    def instructions(self, message: int) -> Iterator[Instruction]:
        """A message's, in order, in parts; they may be changed meanwhile."""
        after = 0
        while True:
            sql = f"SELECT {_INSTRUCTION} FROM instructions WHERE message = ? AND id > ? ORDER BY id LIMIT ?"  # noqa: S608
            rows = self.db.execute(sql, (message, after, _A_PART)).fetchall()
            yield from (Instruction(*row) for row in rows)
            if len(rows) < _A_PART:
                return
            after = rows[-1][0]

    def instruction(self, row: int) -> Instruction:
        """An instruction by its number here."""
        sql = f"SELECT {_INSTRUCTION} FROM instructions WHERE id = ?"  # noqa: S608
        return Instruction(*self.db.execute(sql, (row,)).fetchone())

    def is_paid(self, end_to_end_id: str) -> bool:
        """Whether an instruction of this id was executed."""
        sql = "SELECT 1 FROM instructions WHERE end_to_end_id = ? AND status IN ('ACSC', 'ACSP')"
        return self.db.execute(sql, (end_to_end_id,)).fetchone() is not None

    def set_outcome(self, instruction: int, status: str, reason: str, text: str, bank_reference: str) -> None:
        """What became of an instruction."""
        sql = "UPDATE instructions SET status = ?, reason = ?, reason_text = ?, bank_reference = ? WHERE id = ?"
        self.db.execute(sql, (status, reason, text, bank_reference, instruction))

    # ---------------------------------------------------------------- bookings

    def book(
        self, instruction: int, debit: tuple[str, str], credit: tuple[str, str], amount: int, day: str, notice: int,
        return_reason: str = "",
    ) -> str:  # fmt: skip
        """Both sides of one movement, from one (agent, account) to the other; the bank's reference of it."""
        reference = f"FT{day.replace('-', '')}{self.number('booking'):09d}"
        for side, account in (("D", debit), ("C", credit)):
            self.db.execute(
                "INSERT INTO bookings (agent, account, side, amount, booked_on, instruction, bank_reference, "
                "return_reason, notice) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*account, side, amount, day, instruction, reference, return_reason, notice),
            )
        return reference

    def entries(self, account: str, day: str = "", notice: int = 0) -> Iterator[Entry]:
        """An account's entries of a day or of a notice, in their order."""
        where, value = ("b.booked_on = ?", day) if day else ("b.notice = ?", notice)
        sql = f"{_ENTRY} WHERE b.account = ? AND b.agent = ? AND {where} ORDER BY b.id"
        for row in self.db.execute(sql, (account, self.bank, value)):
            yield Entry(
                side=row[0], amount=row[1], currency="VND", booked_on=row[2], bank_reference=row[3],
                end_to_end_id=row[5], message_id=row[15], payment_id=row[6], instruction_id=row[7],
                debtor=row[8:11], creditor=row[11:14], text=row[14], return_reason=row[4],
                return_text="Lệnh chi bị ngân hàng hưởng trả lại" if row[4] else "",
            )  # fmt: skip

    def totals(self, account: str, day: str = "", notice: int = 0) -> Totals:
        """Of the same entries."""
        where, value = ("booked_on = ?", day) if day else ("notice = ?", notice)
        sql = (
            "SELECT coalesce(sum(side = 'C'), 0), coalesce(sum((side = 'C') * amount), 0), "
            "coalesce(sum(side = 'D'), 0), coalesce(sum((side = 'D') * amount), 0) "
            "FROM bookings WHERE account = ? AND agent = ? AND "
        )
        return Totals(*self.db.execute(sql + where, (account, self.bank, value)).fetchone())

    def lines(self, account: str, day: str) -> list[Line]:
        """A day's entries by what faults choose from."""
        sql = (
            "SELECT i.end_to_end_id, b.side, b.amount FROM bookings AS b "
            "JOIN instructions AS i ON i.id = b.instruction "
            "WHERE b.account = ? AND b.agent = ? AND b.booked_on = ? ORDER BY b.id"
        )
        return [Line(*row) for row in self.db.execute(sql, (account, self.bank, day))]

    # ---------------------------------------------------------------- returns and days

    def due_returns(self, now_ms: int) -> list[tuple[int, str]]:
        """Payments that come back now: instruction and reason."""
        sql = "SELECT instruction, reason FROM returns WHERE NOT booked AND due_ms <= ? ORDER BY instruction"
        return self.db.execute(sql, (now_ms,)).fetchall()

    def give_back(self, instruction: int, day: str, notice: int, reason: str) -> None:
        """Books one payment back, from the account that got it to the one that paid."""
        paid = {
            side: (agent, account, amount)
            for side, agent, account, amount in self.db.execute(
                "SELECT side, agent, account, amount FROM bookings WHERE instruction = ? AND return_reason = ''",
                (instruction,),
            )
        }
        (*debit, amount), (*credit, _) = paid["C"], paid["D"]
        self.book(instruction, (debit[0], debit[1]), (credit[0], credit[1]), amount, day, notice, reason)
        sql = "UPDATE accounts SET balance = balance + ? WHERE agent = ? AND account = ?"
        self.db.executemany(sql, ((-amount, *debit), (amount, *credit)))
        self.db.execute("UPDATE returns SET booked = 1 WHERE instruction = ?", (instruction,))

    def closed_day(self) -> str:
        """The newest day that has its statement, "" where none has."""
        return str(self.db.execute("SELECT coalesce(max(day), '') FROM statements").fetchone()[0])

    def open_days(self, until: str) -> list[str]:
        """Days up to `until` that have bookings and no statement."""
        sql = "SELECT DISTINCT booked_on FROM bookings WHERE booked_on > ? AND booked_on <= ? ORDER BY booked_on"
        return [day for (day,) in self.db.execute(sql, (self.closed_day(), until))]

    def last_closing(self, account: str) -> int | None:
        """What the newest statement of an account closes with."""
        sql = "SELECT closing FROM statements WHERE account = ? ORDER BY day DESC LIMIT 1"
        row = self.db.execute(sql, (account,)).fetchone()
        return int(row[0]) if row else None

    def add_statement(self, account: str, day: str, closing: int) -> None:
        """Notes a day's statement of an account."""
        self.db.execute("INSERT INTO statements VALUES (?, ?, ?)", (account, day, closing))


def _dong(transfer: Transfer) -> int:
    """The amount in whole đồng; 0 where it is none (which is rejected)."""
    whole = transfer.amount == transfer.amount.to_integral_value()
    return int(transfer.amount) if transfer.currency == "VND" and whole and transfer.amount <= AMOUNT_MAX else 0
