"""What the clerk does about a netted window's payouts and net positions: decide, post, send, note what is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cho.payments.v1.scheme_pb2 import Movement

from kit import log
from kit.clock import VIETNAM, now
from kit.config import Settings, settings
from kit.ids import key_time_ms
from services.settlement import store
from services.settlement.books.checkpoints import Checkpoints
from services.settlement.clerk.crash import point
from services.settlement.clerk.due import plans as due_plans
from services.settlement.clerk.peers import Later, Outcome, Peers
from services.settlement.exchange import open_box, sending
from services.settlement.iso import pacs009, pain001
from services.settlement.matching import cases
from services.settlement.matching.cases import Case
from services.settlement.matching.model import BreakType
from services.settlement.names import TELECOMS, name_of
from services.settlement.payouts import plans, rules
from services.settlement.payouts import store as payouts
from services.settlement.payouts.documents import BatchDocument, NetDocument, PayoutDocument
from services.settlement.records import CreditTransfer, FileHead, InstitutionTransfer, Party

AT_ONCE = 1000
SCHEME = "CHO 4.0"
# The ledger was out of reach for a week: if the books have no answer to this key, it is asked under another one.
KEY_EXPIRED = "KEY_EXPIRED"
# For how long the ledger takes a key, and so for how long it may have been answered.
KEY_TAKEN_MS = 7 * 86_400_000
# A key so young cannot be too old, whatever was done meanwhile.
FRESH_S = 86_400
WRONG_CLOCK = "the ledger takes a key of today for older than a week: is this machine's clock right?"
# What cases are about (matching/cases.py).
DISPUTED_PAYMENT = "payment"
_NET_END = "net position's end"
# In place of the reconciliation that found a payout: none looks for it.
NOWHERE = "-"

_logger = log.logger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """What the steps work with."""

    settings: Settings
    peers: Peers
    books: Checkpoints
    home: Path

    @property
    def scheme(self) -> Party:
        """The scheme's account at the settlement bank."""
        return Party(SCHEME, self.settings.scheme_account, self.settings.settlement_bank)

    def telecom(self, name: str) -> Party:
        """A telecom's account at the settlement bank. Raises KeyError where none is set (CHO_TELECOM_ACCOUNTS)."""
        accounts = dict(part.split("=") for part in self.settings.telecom_accounts.split(","))
        return Party(name_of(name), accounts[name], self.settings.settlement_bank)


def moved(desk: Desk, movements: Sequence[Movement]) -> Iterator[Outcome]:
    """Carries movements out, in their order. What was done under a key that the ledger has forgotten since, the books
    remember: whoever died behind the posting more than a week ago does not post it again. Raises Later."""
    for movement, outcome in zip(movements, desk.peers.move(movements) if movements else (), strict=True):
        yield _remembered(movement, outcome) if outcome.code == KEY_EXPIRED else outcome


def _remembered(movement: Movement, outcome: Outcome) -> Outcome:
    scope = f"service:settlement|{movement.operation}|{movement.idempotency_key}"
    try:
        event = store.answered(scope, (key_time_ms(movement.idempotency_key) or 0) + KEY_TAKEN_MS)
    except store.KeysNotEntered as error:
        raise Later(str(error)) from error
    if event is None:
        return outcome
    code = "" if event.result == "OK" else event.result
    return Outcome(code, "the books remember it", event.transfer_id, event.seq)


def decide(desk: Desk, closed: store.Window) -> None:
    """Decides a netted window's payouts and net positions, from what accounts held at the closing marker.

    Less what earlier payouts take of it: decided for a window before, and not posted at this one's marker.
    """
    at, owed = closed.closed_at, dict[str, int]()
    for merchant, (_, totals) in desk.books.merchants(closed.last_seq, closed.last_seq).items():
        owed[merchant] = totals.credits - totals.debits - totals.debits_pending
    waits = plans.waits(owed, closed.opened_at, at, due_plans())
    platform = desk.books.account(rules.PLATFORM, closed.last_seq)
    if platform is not None:
        owed[rules.PLATFORM] = platform[1].credits - platform[1].debits - sum(closed.record["shares"].values())
    due = rules.due(closed.number, owed, payouts.planned(closed.number, closed.last_seq), waits)
    accounts = desk.peers.accounts([one.payee for one in due if one.payee != rules.PLATFORM])
    accounts[rules.PLATFORM] = {
        "bin": desk.settings.settlement_bank, "account": desk.settings.platform_account, "name": SCHEME,
    }  # fmt: skip
    payouts.insert(
        payouts.new(
            one.payout_id, closed.number, one.payee, one.amount, 0, at, accounts.get(one.payee, {}),
            "" if one.payee in accounts else "NO_ACCOUNT: the merchant has no approved account",
        )
        for one in due
    )  # fmt: skip
    nets = {line.institution: line.credits - line.debits for line in closed.lines if line.institution in TELECOMS}
    payouts.decide_nets(closed.number, {telecom: net for telecom, net in nets.items() if net}, at)
    point("decided")
    store.advance(closed, "netted", "settling")


def share(desk: Desk, closed: store.Window) -> None:
    """Gives the telecoms their shares of the window's fees; done before, nothing happens. Raises Later."""
    # Nobody else's turn in between: what is not given yet stands on the fees, and would be paid to the platform.
    while expired := _share(desk, closed):
        if any(now().timestamp() - _share_at(closed, one).timestamp() < FRESH_S for one in expired):
            raise Later(WRONG_CLOCK)
        closed = store.ask_shares_again(closed, expired, now())
    point("shared")


def _share(desk: Desk, closed: store.Window) -> list[str]:
    """Telecoms whose share was not given: its key is too old by now, and nothing was ever done under it."""
    movements = [
        Movement(
            operation="interchange", institution=telecom, amount=amount, reference=f"W{closed.number:06d}",
            idempotency_key=rules.key(_share_at(closed, telecom), f"W{closed.number}", f"interchange-{telecom}"),
        )
        for telecom, amount in sorted(closed.record["shares"].items())
    ]  # fmt: skip
    expired = []
    for movement, outcome in zip(movements, moved(desk, movements), strict=True):
        if outcome.code == KEY_EXPIRED:
            expired.append(movement.institution)
        elif outcome.code:
            _logger.error("share refused", window=closed.number, telecom=movement.institution, code=outcome.code)
            _refused(movement.institution, "share of fees", f"W{closed.number:06d}", movement.amount, outcome)
    return expired


def _share_at(closed: store.Window, telecom: str) -> datetime:
    at: datetime = closed.shares_at.get(telecom, closed.closed_at)
    return at


def post(desk: Desk) -> bool:
    """Posts decided payouts: their money is on its way, and nobody's to spend. Whether there were any."""
    pending = payouts.in_state(rules.PENDING, AT_ONCE)
    if asked := [one for one in pending if one.bank_bin == "-"]:
        _find_accounts(desk, asked)
        pending = [one for one in payouts.in_state(rules.PENDING, AT_ONCE) if one.bank_bin != "-"]
    if not pending:
        return False
    movements = [
        Movement(
            operation="payout", account_id=one.payee, amount=one.amount, fee=one.fee, reference=one.id[:25],
            idempotency_key=rules.key(one.decided_at, one.id, "payout", one.tries),
        )
        for one in pending
    ]  # fmt: skip
    outcomes = list(moved(desk, movements))
    point("posted")
    short = [one for one, outcome in zip(pending, outcomes, strict=True) if outcome.code == "INSUFFICIENT_FUNDS"]
    available = desk.peers.available(sorted({one.payee for one in short})) if short else {}
    changes: list[tuple[str, str, dict[str, object]]] = []
    wrong_clock = False
    for one, outcome in zip(pending, outcomes, strict=True):
        if not outcome.code:
            posted = {"transfer_id": outcome.transfer_id, "posted_seq": outcome.seq}
            changes.append((one.id, rules.PENDING, {"state": rules.READY, **posted}))
        elif outcome.code == KEY_EXPIRED:
            wrong_clock = wrong_clock or now().timestamp() - one.decided_at.timestamp() < FRESH_S
            changes.append((one.id, rules.PENDING, {"decided_at": now()}))
        elif outcome.code == "INSUFFICIENT_FUNDS" and one.tries < 3 and available[one.payee] >= rules.LEAST_VND:
            # Refunds and debts came first: what is left is paid.
            less = min(one.amount, available[one.payee])
            changes.append((one.id, rules.PENDING, {"amount": less, "tries": one.tries + 1}))
        else:
            reason = f"{outcome.code}: {outcome.message}"[:200]
            changes.append((one.id, rules.PENDING, _carried(reason)))
    payouts.change(changes)
    point("noted")
    if wrong_clock:
        raise Later(WRONG_CLOCK)
    return True


def _find_accounts(desk: Desk, asked: Sequence[PayoutDocument]) -> None:
    """Where payouts that merchants asked for go to; those without an approved account are carried over."""
    accounts = desk.peers.accounts(sorted({one.payee for one in asked}))
    nowhere = _carried("NO_ACCOUNT: none is approved")
    payouts.change(
        (one.id, rules.PENDING, payouts.account_of(accounts[one.payee]) if one.payee in accounts else nowhere)
        for one in asked
    )


def _carried(reason: str) -> dict[str, object]:
    """What is not paid out, and on no statement."""
    return {"state": rules.CARRIED, "reason": reason, "ended_at": now(), "reconciled": NOWHERE}


def batch(closed: store.Window) -> None:
    """Puts a window's payouts into files, once all of them are posted. What was put there before stays there."""
    found = list(payouts.of_window(closed.number))
    if any(one.state == rules.PENDING for one in found):
        raise Later("payouts of the window are still to be posted")
    by_id = {one.id: one for one in found if one.state != rules.CARRIED}
    for number, ids in enumerate(rules.in_files(by_id), 1):
        payouts.make_batch(rules.batch_id(closed.number, number), closed.number, [by_id[one] for one in ids],
                           closed.closed_at)  # fmt: skip
    point("batched")


def batch_asked_for() -> bool:
    """Puts what merchants asked for into a file of its own. Whether there was any."""
    ready = payouts.asked_for(rules.BATCH_MAX)
    if not ready:
        return False
    unsent = payouts.batches(window=0, state__in=["waiting", "released"])
    held = {one for file in unsent for one in file.payouts}
    fresh = sorted((one for one in ready if one.id not in held), key=lambda one: one.id)
    if fresh:
        payouts.make_batch(rules.asked_for_batch_id(one.id for one in fresh), 0, fresh, now())
    return bool(fresh)


def send(desk: Desk) -> bool:
    """Gives the settlement bank the files that may go. Whether there were any."""
    released = payouts.batches(state="released")
    for one in released:
        _write(desk, one)
        point("file written")
        payouts.change((payout, rules.READY, {"state": rules.SENT, "batch": one.id}) for payout in one.payouts)
        payouts.batch_is(one.id, "sent", sent_at=now())
        point("sent")
        _logger.info("payouts sent", batch=one.id, payouts=len(one.payouts), total=one.total)
    return bool(released)


def _write(desk: Desk, one: BatchDocument) -> None:
    found = payouts.by_ids(one.payouts)
    head = FileHead(
        one.id, one.made_at, desk.scheme, one.made_at.astimezone(VIETNAM).date(), len(one.payouts), one.total
    )
    box = open_box(desk.home, desk.settings.settlement_bank)
    with sending(box, f"pain.001.{one.id}.xml") as going:
        pain001.write_to(going, head, desk.scheme, one.id, (_transfer(found[payout]) for payout in one.payouts))


def _transfer(payout: PayoutDocument) -> CreditTransfer:
    number, holder = payouts.plain_account(payout)
    text = f"Cho 4.0 chi tra {payout.id}"
    return CreditTransfer(
        payout.id, payout.id, payout.amount - payout.fee, Party(holder, number, payout.bank_bin), text
    )


def send_nets(desk: Desk) -> bool:
    """Gives the settlement bank the net positions that are to be moved. Whether there were any."""
    pending = payouts.nets(state="pending")
    # Whether all of a window's net positions are known: then its file can be written, once.
    decided = {window for window in {net.window for net in pending} if _decided(window)}
    pending = [net for net in pending if net.window in decided]
    for message_id in sorted({net.message_id for net in pending}):
        together = sorted(payouts.nets(message_id=message_id), key=lambda net: net.institution)
        at, total = together[0].decided_at, sum(abs(net.amount) for net in together)
        head = FileHead(message_id, at, desk.scheme, at.astimezone(VIETNAM).date(), len(together), total)
        box = open_box(desk.home, desk.settings.settlement_bank)
        with sending(box, f"pacs.009.{message_id}.xml") as going:
            pacs009.write_to(going, head, (_net_transfer(desk, net) for net in together))
        point("net file written")
        payouts.nets_are("pending", [(net, {"state": "sent"}) for net in together])
        point("net sent")
    return bool(pending)


def _decided(window: int) -> bool:
    closed = store.window(window)
    return closed is not None and closed.stage in ("settling", "settled")


def _net_transfer(desk: Desk, net: NetDocument) -> InstitutionTransfer:
    telecom, scheme = desk.telecom(net.institution), desk.scheme
    debtor, creditor = (telecom, scheme) if net.amount < 0 else (scheme, telecom)
    text = f"Cho 4.0 bu tru phien {net.window}"
    return InstitutionTransfer(net.end_to_end_id, net.end_to_end_id, abs(net.amount), debtor, creditor, text)


def note(said: Sequence[tuple[str, str, str]], at: datetime) -> None:
    """(end-to-end id, status code, reason) that a bank said of payouts and net positions."""
    told = [(one, rules.outcome(status, reason), reason) for one, status, reason in said]
    for one, status, reason in said:
        if status in rules.SAYS_FAILED and not rules.outcome(status, reason):
            _logger.critical("a bank says it had this before: ask it what became of the first", id=one, reason=reason)
            _disputed(one, reason, at)
    ended = [line for line in told if line[1]]
    payouts.note_outcomes((line for line in ended if not line[0].startswith("NP-")), at)
    payouts.note_net_outcomes((line for line in ended if line[0].startswith("NP-")), at)
    point("outcome noted")


def post_outcomes(desk: Desk) -> bool:
    """Posts what banks said of payouts: paid for good, or the merchant's again. Whether there was any."""
    told = payouts.with_outcome(AT_ONCE)
    if not told:
        return False
    movements = [
        Movement(
            operation="paid" if one.outcome == rules.PAID else "unpaid", account_id=one.payee,
            amount=one.amount - one.fee if one.outcome == rules.PAID else one.amount,
            fee=0 if one.outcome == rules.PAID else one.fee, related_id=one.transfer_id, reference=one.id[:25],
            idempotency_key=rules.key(one.outcome_at, one.id, one.outcome),
        )
        for one in told
    ]  # fmt: skip
    outcomes = list(moved(desk, movements))
    point("outcome posted")
    open_day = payouts.open_day()
    changes: list[tuple[str, str, dict[str, object]]] = []
    for one, outcome in zip(told, outcomes, strict=True):
        if outcome.code == KEY_EXPIRED:
            changes.append((one.id, rules.SENT, {"outcome_at": now()}))
            continue
        if outcome.code:
            # The ledger knows better: a person has to look. It is not asked again under the same key.
            _logger.critical("a payout's end was refused", payout=one.id, code=outcome.code, reason=outcome.message)
            _refused(desk.settings.settlement_bank, "payout's end", one.id, one.amount, outcome)
            changes.append((one.id, rules.SENT, {"outcome": "refused", "reason": outcome.message[:200]}))
            continue
        ended: dict[str, object] = {"state": one.outcome, "ended_at": one.outcome_at}
        if one.outcome == rules.PAID:
            ended["paid_on"] = max(day_of(one.outcome_at), open_day)
        else:
            ended["reconciled"] = NOWHERE
        changes.append((one.id, rules.SENT, ended))
    payouts.change(changes)
    return any(outcome.code != KEY_EXPIRED for outcome in outcomes)


def post_returns(desk: Desk) -> bool:
    """Posts payouts that were paid and came back: they are the merchants' again. Whether there were any."""
    back = payouts.came_back(AT_ONCE)
    if not back:
        return False
    movements = [
        Movement(
            operation="returned", account_id=one.payee, amount=one.amount - one.fee, related_id=one.transfer_id,
            reference=one.id[:25], idempotency_key=rules.key(one.came_back_at, one.id, "returned"),
        )
        for one in back
    ]  # fmt: skip
    outcomes = list(moved(desk, movements))
    point("return posted")
    # Not of the day on which we read of it: its payment may have been known later, and that day's statement is out.
    on = max(day_of(now()), payouts.open_day())
    changes: list[tuple[str, str, dict[str, object]]] = []
    for one, outcome in zip(back, outcomes, strict=True):
        if outcome.code == KEY_EXPIRED:
            changes.append((one.id, rules.PAID, {"came_back_at": now()}))
        elif outcome.code:
            _logger.critical("a return was refused", payout=one.id, code=outcome.code, reason=outcome.message)
            _refused(desk.settings.settlement_bank, "return", one.id, one.amount, outcome)
            changes.append((one.id, rules.PAID, {"came_back": "refused", "reason": outcome.message[:200]}))
        else:
            came = {"returned_on": on, "reason": "RETURNED: it came back"}
            changes.append((one.id, rules.PAID, {"state": rules.RETURNED, "came_back": "done", **came}))
    payouts.change(changes)
    return any(outcome.code != KEY_EXPIRED for outcome in outcomes)


def post_nets(desk: Desk) -> bool:
    """Posts net positions that the bank moved; what it did not move is tried again under a new id. Whether any."""
    told = [net for net in payouts.nets(state="sent") if net.outcome]
    payouts.nets_are("sent", [(net, _next_attempt(net)) for net in told if net.outcome == rules.FAILED])
    paid = [net for net in told if net.outcome != rules.FAILED]
    if not paid:
        return False
    movements = [
        Movement(
            operation="net", institution=net.institution, amount=net.amount, reference=net.end_to_end_id[:25],
            idempotency_key=rules.key(net.outcome_at, net.id, f"net-{net.attempt}"),
        )
        for net in paid
    ]  # fmt: skip
    outcomes = list(moved(desk, movements))
    point("net posted")
    open_day = payouts.open_day()
    changes: list[tuple[NetDocument, dict[str, object]]] = []
    settled: list[NetDocument] = []
    for net, outcome in zip(paid, outcomes, strict=True):
        if outcome.code:
            # Most likely its own money does not cover it yet: asked again later, under another key.
            _logger.critical("a net position's end was refused", net=net.id, code=outcome.code, reason=outcome.message)
            _refused(net.institution, _NET_END, net.end_to_end_id, abs(net.amount), outcome)
            changes.append((net, {"outcome_at": now(), "reason": outcome.message[:200]}))
            continue
        on = max(day_of(net.outcome_at), open_day)
        changes.append((net, {"state": "settled", "transfer_id": outcome.transfer_id, "settled_on": on}))
        settled.append(net)
    # Told of before they are settled: whoever dies in between says so again.
    cases.close_cases((_net_case(net) for net in settled), "it is settled", now())
    payouts.nets_are("sent", changes)
    return bool(settled)


def _next_attempt(net: NetDocument) -> dict[str, object]:
    attempt = net.attempt + 1
    _logger.error("net position refused by the bank", net=net.end_to_end_id, reason=net.reason)
    return {
        "state": "failed", "attempt": attempt, "outcome": "",
        "end_to_end_id": rules.net_id(net.window, net.institution, attempt),
        "message_id": rules.net_message_id(net.window, net.institution, attempt),
    }  # fmt: skip


def _net_case(net: NetDocument) -> Case:
    return Case(net.institution, _NET_END, BreakType.REFUSED, net.end_to_end_id)


def _refused(institution: str, what: str, reference: str, amount: int, outcome: Outcome) -> None:
    """The ledger refused for good what is owed all the same: somebody has to own it."""
    said = outcome.message
    cases.open_case(Case(institution, what, BreakType.REFUSED, reference, outcome.code, said, amount), now())


def _disputed(end_to_end_id: str, reason: str, at: datetime) -> None:
    """The bank says that it had this before, and nobody knows what became of the first."""
    found = payouts.by_ids([end_to_end_id]).get(end_to_end_id)
    amount = found.amount if found else sum(abs(net.amount) for net in payouts.nets(end_to_end_id=end_to_end_id))
    bank, code = settings().settlement_bank, reason.partition(" ")[0]
    cases.open_case(Case(bank, DISPUTED_PAYMENT, BreakType.DISPUTED, end_to_end_id, code, reason, amount), at)


def day_of(at: datetime) -> str:
    """A moment's day in Vietnam, yyyy-mm-dd."""
    return at.astimezone(VIETNAM).date().isoformat()


def retry_failed_nets() -> None:
    """A telecom that could not pay is asked again whenever a later window settles, to pay on that day."""
    again = {"state": "pending", "decided_at": now()}
    payouts.nets_are("failed", [(net, again) for net in payouts.nets(state="failed")])


def end_files() -> None:
    """Files of which every payout has ended are done."""
    for one in payouts.batches(state="sent"):
        found = payouts.by_ids(one.payouts)
        if all(payout.state in rules.ENDED for payout in found.values()):
            payouts.batch_is(one.id, "done")


def settle(closed: store.Window) -> bool:
    """Whether all of a window has ended; then it is settled."""
    if any(one.state != "done" for one in payouts.batches(window=closed.number)):
        return False
    if any(net.state != "settled" for net in payouts.nets(window=closed.number)):
        return False
    store.advance(closed, "settling", "settled")
    point("settled")
    return True
