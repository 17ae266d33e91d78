"""One table of domain errors: a stable code, a gRPC status, and a message a person can act on.

Clients branch on the code. The gateway derives the HTTP status from the gRPC status, so the table names only one.
Raise a subclass with its own message: `raise InsufficientFunds(f"...")`.
"""

from __future__ import annotations

from typing import ClassVar

DOMAIN = "cho.vn"


class DomainError(Exception):
    """Something the caller can be told. `code` is stable; `status` is the name of a gRPC status code."""

    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[str] = "INTERNAL"
    # Seconds after which trying again makes sense; None where it does not.
    retry_after_s: ClassVar[int | None] = None

    def __init__(self, message: str, *, vi: str = "", **details: str) -> None:
        """`message` is for developers, `vi` for people: empty for the code's own sentence (kit/words.py)."""
        super().__init__(message)
        self.message = message
        self.vi = vi
        self.details = details


def _error(code: str, status: str, doc: str, retry_after_s: int | None = None) -> type[DomainError]:
    name = "".join(part.capitalize() for part in code.split("_"))
    return type(name, (DomainError,), {"code": code, "status": status, "retry_after_s": retry_after_s, "__doc__": doc})


# HTTP 400
InvalidArgument = _error("INVALID_ARGUMENT", "INVALID_ARGUMENT", "A field is missing or malformed.")
AmountInvalid = _error("AMOUNT_INVALID", "INVALID_ARGUMENT", "Not a whole number of đồng from 1 to 10^12.")
AmountMismatch = _error("AMOUNT_MISMATCH", "INVALID_ARGUMENT", "Not the amount that the code names.")
QrInvalid = _error("QR_INVALID", "INVALID_ARGUMENT", "The QR payload cannot be read safely.")
QrReissued = _error("QR_REISSUED", "FAILED_PRECONDITION", "This printed code was replaced by a new one.")
PinWeak = _error("PIN_WEAK", "INVALID_ARGUMENT", "The PIN is too easy to guess.")
SheetInvalid = _error("SHEET_INVALID", "INVALID_ARGUMENT", "The file is no table that can be read.")
SheetTooLarge = _error("SHEET_TOO_LARGE", "INVALID_ARGUMENT", "The table has more rows or columns than are taken.")
SheetUnsafe = _error("SHEET_UNSAFE", "INVALID_ARGUMENT", "The workbook would unpack to far more than a list needs.")
DocumentRefused = _error("DOCUMENT_REFUSED", "INVALID_ARGUMENT", "Not a photo that can be kept.")
DocumentInfected = _error("DOCUMENT_INFECTED", "INVALID_ARGUMENT", "The scanner found malware in it.")
ClockSkew = _error("CLOCK_SKEW", "FAILED_PRECONDITION", "The service's clock is more than 5 s off the ledger's.")
TooLate = _error("TOO_LATE", "FAILED_PRECONDITION", "not_after has passed.")
KeyExpired = _error("KEY_EXPIRED", "FAILED_PRECONDITION", "The idempotency key is older than keys are kept.")
InsufficientFunds = _error("INSUFFICIENT_FUNDS", "FAILED_PRECONDITION", "The account does not hold the amount.")
LimitExceeded = _error("LIMIT_EXCEEDED", "FAILED_PRECONDITION", "A legal limit would be exceeded.")
AccountFrozen = _error("ACCOUNT_FROZEN", "FAILED_PRECONDITION", "The account is frozen.")
AccountClosed = _error("ACCOUNT_CLOSED", "FAILED_PRECONDITION", "The account is closed.")
AccountNotEmpty = _error("ACCOUNT_NOT_EMPTY", "FAILED_PRECONDITION", "Only an empty account can be closed.")
MerchantNotPayable = _error("MERCHANT_NOT_PAYABLE", "FAILED_PRECONDITION", "Not approved, suspended or closed.")
RefundExceedsPayment = _error("REFUND_EXCEEDS_PAYMENT", "FAILED_PRECONDITION", "More than is left of the payment.")
WrongTelecom = _error("WRONG_TELECOM", "FAILED_PRECONDITION", "The two accounts are not at the same telecom.")
SameAccount = _error("SAME_ACCOUNT", "INVALID_ARGUMENT", "Both sides are the same account.")
GuaranteeShort = _error(
    "GUARANTEE_SHORT", "FAILED_PRECONDITION", "The telecom's own money does not cover it: its officer has to deposit."
)
NetDebitCapExceeded = _error(
    "NET_DEBIT_CAP_EXCEEDED", "FAILED_PRECONDITION", "The telecom would owe more than its deposit allows."
)
VelocityExceeded = _error("VELOCITY_EXCEEDED", "FAILED_PRECONDITION", "Too many, or too much from a new device.")
RefundTooLate = _error("REFUND_TOO_LATE", "FAILED_PRECONDITION", "The payment is older than refunds may be.")
HoldExpired = _error("HOLD_EXPIRED", "FAILED_PRECONDITION", "The hold's time is over; its money is free again.")
HoldCaptured = _error("HOLD_CAPTURED", "FAILED_PRECONDITION", "The hold was captured already.")
HoldVoided = _error("HOLD_VOIDED", "FAILED_PRECONDITION", "The hold was given up.")
HoldInReview = _error("HOLD_IN_REVIEW", "FAILED_PRECONDITION", "An operator has to decide on this payment.")
CaptureExceedsHold = _error("CAPTURE_EXCEEDS_HOLD", "FAILED_PRECONDITION", "More than is held.")
RequestPaid = _error("REQUEST_PAID", "FAILED_PRECONDITION", "This request has been paid already.")
RequestExpired = _error("REQUEST_EXPIRED", "FAILED_PRECONDITION", "The request's time is over: ask for a new code.")
RequestCancelled = _error("REQUEST_CANCELLED", "FAILED_PRECONDITION", "The merchant withdrew the request.")
CodeUsed = _error("CODE_USED", "FAILED_PRECONDITION", "The one-time code was used or cancelled.")
CodeExpired = _error("CODE_EXPIRED", "FAILED_PRECONDITION", "The one-time code's time is over: show a new one.")
CodeCeiling = _error("CODE_CEILING", "FAILED_PRECONDITION", "More than the payer allowed with this code.")
TooManyOpen = _error("TOO_MANY_OPEN", "RESOURCE_EXHAUSTED", "Too many holds and proposals are open.", 60)
SecondFactorNeeded = _error(
    "SECOND_FACTOR_NEEDED", "FAILED_PRECONDITION", "The code alone is not enough: a known device, or two who saw you."
)
NotConfigured = _error("NOT_CONFIGURED", "FAILED_PRECONDITION", "This is switched off here.")
IdentityNeeded = _error(
    "IDENTITY_NEEDED", "FAILED_PRECONDITION", "Somebody has to see the person's citizen card first."
)
WrongState = _error("WRONG_STATE", "FAILED_PRECONDITION", "Not possible in the present state.")
ChecklistOpen = _error("CHECKLIST_OPEN", "FAILED_PRECONDITION", "Something is missing: see the checklist.")
FindingsOpen = _error("FINDINGS_OPEN", "FAILED_PRECONDITION", "A reviewer has to settle what was found first.")
AccountChangeOpen = _error("ACCOUNT_CHANGE_OPEN", "FAILED_PRECONDITION", "Another change of account waits.")
ConfirmationNeeded = _error(
    "CONFIRMATION_NEEDED", "FAILED_PRECONDITION", "The vendor has to confirm this very form with a code first."
)
ConfirmationWrong = _error("CONFIRMATION_WRONG", "FAILED_PRECONDITION", "Not the code that the vendor was sent.")
FinalPriceTooHigh = _error(
    "FINAL_PRICE_TOO_HIGH",
    "FAILED_PRECONDITION",
    "What was weighed costs more than is set aside or paid: see `there`.",
)
PriceChanged = _error("PRICE_CHANGED", "FAILED_PRECONDITION", "Not the price that was shown any more: see `price`.")
WindowNotOpen = _error("WINDOW_NOT_OPEN", "FAILED_PRECONDITION", "Another settlement window is open.")
BalanceTooLarge = _error("BALANCE_TOO_LARGE", "FAILED_PRECONDITION", "A total would pass 2^53 - 1.")
OutOfStock = _error("OUT_OF_STOCK", "FAILED_PRECONDITION", "Less is left than was asked for: see `left`.")
ProductNotForSale = _error("PRODUCT_NOT_FOR_SALE", "FAILED_PRECONDITION", "Not on sale now, or its stall is suspended.")
NotOpen = _error("NOT_OPEN", "FAILED_PRECONDITION", "The live sale has not begun, or is over: see `state`.")
SoldOut = _error("SOLD_OUT", "FAILED_PRECONDITION", "Fewer lots are left than were claimed; some may come back.")
CapReached = _error("CAP_REACHED", "FAILED_PRECONDITION", "More than one person may have in this live sale.")
LotExpired = _error("LOT_EXPIRED", "FAILED_PRECONDITION", "Its last day, or its certificate's, is over.")
NotRatable = _error("NOT_RATABLE", "FAILED_PRECONDITION", "Rated is what is paid for and in hand, for 30 days.")
NoRelation = _error("NO_RELATION", "FAILED_PRECONDITION", "The grower does not let this stall sell for it now.")
# HTTP 401
Unauthenticated = _error("UNAUTHENTICATED", "UNAUTHENTICATED", "No valid token.")
WrongPin = _error("WRONG_PIN", "UNAUTHENTICATED", "Phone or PIN is wrong.")
WrongCode = _error("WRONG_CODE", "UNAUTHENTICATED", "The one-time code is wrong, used or expired.")
ExternalRefused = _error("EXTERNAL_REFUSED", "UNAUTHENTICATED", "The outside sign-in cannot be trusted; start again.")
ExternalNotLinked = _error("EXTERNAL_NOT_LINKED", "UNAUTHENTICATED", "No account here is linked with that one.")
SessionEnded = _error("SESSION_ENDED", "UNAUTHENTICATED", "The refresh token is spent, expired or revoked.")
# HTTP 403
PermissionDenied = _error("PERMISSION_DENIED", "PERMISSION_DENIED", "Not for this caller.")
StepUpNeeded = _error("STEP_UP_NEEDED", "PERMISSION_DENIED", "So much money needs a PIN entered just now.")
OwnStall = _error("OWN_STALL", "PERMISSION_DENIED", "Nobody rates their own stall.")
FourEyes = _error("FOUR_EYES", "PERMISSION_DENIED", "A second person has to do this.")
# HTTP 404
NotFound = _error("NOT_FOUND", "NOT_FOUND", "There is no such thing, or it is not the caller's.")
AccountNotFound = _error("ACCOUNT_NOT_FOUND", "NOT_FOUND", "There is no such account.")
MerchantNotFound = _error("MERCHANT_NOT_FOUND", "NOT_FOUND", "No onboarded merchant has this code.")
PaymentNotFound = _error("PAYMENT_NOT_FOUND", "NOT_FOUND", "There is no such payment.")
RequestNotFound = _error("REQUEST_NOT_FOUND", "NOT_FOUND", "There is no such payment request.")
CodeInvalid = _error("CODE_INVALID", "NOT_FOUND", "There is no such one-time code.")
# HTTP 409
AlreadyExists = _error("ALREADY_EXISTS", "ALREADY_EXISTS", "It exists already.")
WalletElsewhere = _error(
    "WALLET_ELSEWHERE", "ALREADY_EXISTS", "The person has a wallet at this telecom under another phone."
)
IdempotencyConflict = _error("IDEMPOTENCY_CONFLICT", "ABORTED", "The key was used with another body.")
DraftChanged = _error("DRAFT_CHANGED", "ABORTED", "Somebody else changed the draft: read it, then save onto that.")
VendorTaken = _error("VENDOR_TAKEN", "ABORTED", "Another team is onboarding this vendor in this market.")
KeySpent = _error("KEY_SPENT", "ABORTED", "The key was resolved as never used; use a new one.")
Contention = _error("CONTENTION", "ABORTED", "Something else changed it at the same time; try again.", 1)
# HTTP 429
TooManyAttempts = _error("TOO_MANY_ATTEMPTS", "RESOURCE_EXHAUSTED", "Locked for a while.", 900)
# HTTP 5xx
# Not 429: it is not this caller who asks too often.
Overloaded = _error("OVERLOADED", "UNAVAILABLE", "Too much at once; nothing was done.", 1)
OutcomeUnknown = _error(
    "OUTCOME_UNKNOWN", "UNAVAILABLE", "It may have been done: send the same key again to find out.", 1
)
LedgerFenced = _error("LEDGER_FENCED", "UNAVAILABLE", "The ledger is being checked; nothing was done.", 1)
Unavailable = _error("UNAVAILABLE", "UNAVAILABLE", "Not reachable; nothing was done.", 1)

BY_CODE: dict[str, type[DomainError]] = {
    e.code: e for e in list(globals().values()) if isinstance(e, type) and issubclass(e, DomainError)
}
