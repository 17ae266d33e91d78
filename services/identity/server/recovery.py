"""RecoveryService: a forgotten PIN."""

from __future__ import annotations

from datetime import timedelta

from cho.identity.v1 import recovery_pb2 as pb

from kit import crypto, log, phones
from kit.accesses import check_reason
from kit.errors import FourEyes, NotFound, SecondFactorNeeded
from kit.rpc.call import Call
from kit.sms import Courier
from services.identity import device as devices
from services.identity import pin as pins
from services.identity import store
from services.identity import user as users
from services.identity.server.front import Front, seconds
from services.identity.store.codes import LIFE
from services.identity.store.vouchers import State, Voucher

# How long a device has to be known before it counts as a second factor: longer than it takes to notice that one's
# number is gone.
DEVICE_KNOWN_FOR = timedelta(days=3)

_STATES = {
    pb.VOUCHER_STATE_UNSPECIFIED: State.OPEN,
    pb.VOUCHER_STATE_OPEN: State.OPEN,
    pb.VOUCHER_STATE_APPROVED: State.APPROVED,
    pb.VOUCHER_STATE_REFUSED: State.REFUSED,
    pb.VOUCHER_STATE_USED: State.USED,
}
_NUMBERS = {state: number for number, state in _STATES.items()}

_logger = log.logger(__name__)


class RecoveryServicer:
    """The RPCs of cho.identity.v1.RecoveryService; roles are enforced before they are called."""

    def __init__(self, front: Front, courier: Courier) -> None:
        self._front = front
        self._courier = courier

    def StartPinReset(self, request: pb.StartPinResetRequest, call: Call) -> pb.StartPinResetResponse:
        """Raises InvalidArgument, TooManyAttempts; the same for nobody's phone."""
        phone = phones.normalise(request.phone)
        account = store.account_by_phone(phone)
        code = store.new_code(_code_key(account, phone), self._front.now())
        if account is not None:
            self._courier.post(phone, _text(code))
            _logger.info("code sent for a new PIN", user=account.user.user_id)
        return pb.StartPinResetResponse(expires_in_s=seconds(LIFE))

    def FinishPinReset(self, request: pb.FinishPinResetRequest, call: Call) -> pb.FinishPinResetResponse:
        """Raises InvalidArgument, PinWeak, WrongCode, SecondFactorNeeded, Contention."""
        phone, now = phones.normalise(request.phone), self._front.now()
        installation = devices.check_installation(request.device_id)
        # Before the code, which is good only once.
        pins.check_strength(request.new_pin, phone)
        account = store.account_by_phone(phone)
        store.use_code(_code_key(account, phone), request.code, now)
        assert account is not None, "nobody's code is right"
        user_id = account.user.user_id
        voucher = None
        if not self._is_known(account, installation):
            good = (one for one in store.approved_vouchers(account, now) if _still_good_for(account, one))
            voucher = next(good, None)
            if voucher is None:
                _logger.warning("a right code without a second factor", user=user_id)
                raise SecondFactorNeeded(
                    "not from a device that is known for 3 days: have a member of the digital team see you and your "
                    "identity card, wait for the approval, and ask for another code"
                )
        # One write, which uses the voucher up too: it is older than the reset.
        store.change_pin(account, request.new_pin, self._front.hasher, reset_at=now)
        if voucher is not None:
            store.mark_voucher_used(voucher)
        # Could not be used any more in any case.
        store.end_sessions_of(user_id)
        store.forget_guesses(*store.guess_keys_of(user_id))
        _logger.info("PIN reset", user=user_id, by="voucher" if voucher else "device")
        self._courier.post(
            phone, "Cho 4.0: mã PIN của bạn vừa được đặt lại. Nếu không phải bạn, hãy gọi ngay tổng đài."
        )
        return pb.FinishPinResetResponse()

    def VouchForPinReset(self, request: pb.VouchForPinResetRequest, call: Call) -> pb.VouchForPinResetResponse:
        """Raises InvalidArgument, NotFound, PermissionDenied, FourEyes, AlreadyExists."""
        self._front.require_roles_still(call)
        reason = check_reason(request.reason)
        account = store.account_by_phone(phones.normalise(request.phone))
        if account is None:
            raise NotFound("phone: nobody has an account with it")
        users.check_may_vouch(call.caller.roles, account.user.roles)
        _not_oneself(account.user.user_id, call)
        made = store.vouch(account.user.user_id, reason, call.caller.sub, self._front.now())
        _logger.info("vouched for", user=made.user_id, by=call.caller.sub, voucher=made.id)
        return pb.VouchForPinResetResponse(voucher=_voucher(made))

    def DecideVoucher(self, request: pb.DecideVoucherRequest, call: Call) -> pb.DecideVoucherResponse:
        """Raises NotFound, PermissionDenied, FourEyes, WrongState."""
        self._front.require_roles_still(call)
        found = store.voucher(request.voucher_id)
        users.check_may_vouch(call.caller.roles, store.person(found.user_id).roles)
        _not_oneself(found.user_id, call)
        if request.approve and store.are_one(found.made_by, call.caller.sub):
            raise FourEyes("you vouched: somebody else has to approve")
        decided = store.decide_voucher(found, call.caller.sub, request.approve, self._front.now())
        _logger.info("voucher decided", user=found.user_id, by=call.caller.sub, voucher=found.id, state=decided.state)
        return pb.DecideVoucherResponse(voucher=_voucher(decided))

    def ListVouchers(self, request: pb.ListVouchersRequest, call: Call) -> pb.ListVouchersResponse:
        """An unknown state is that of the open ones. Raises PermissionDenied."""
        self._front.require_roles_still(call)
        found = store.vouchers(_STATES.get(request.state, State.OPEN))
        return pb.ListVouchersResponse(vouchers=[_voucher(one) for one in found])

    def _is_known(self, account: store.Account, installation: str) -> bool:
        """Whether the device is a second factor for this person. Never for staff: those are seen in person."""
        if not installation or users.is_staff(account.user.roles):
            return False
        device = store.find_device(account.user.user_id, installation)
        return device is not None and device.first_seen_at <= self._front.now() - DEVICE_KNOWN_FOR


def _still_good_for(account: store.Account, voucher: Voucher) -> bool:
    """Whether both who made it may do so now: one may have lost their office since, or the person have got one."""
    made = (store.roles_of(voucher.made_by), store.roles_of(voucher.decided_by))
    return all(users.may_vouch(roles, account.user.roles) for roles in made)


def _code_key(account: store.Account | None, phone: str) -> str:
    key = store.guess_key(account.user.user_id if account else "", crypto.phone_index(phone))
    return f"pin-reset:{key}"


def _text(code: str) -> str:
    return f"Cho 4.0: mã đặt lại PIN của bạn là {code}, dùng trong 5 phút. Không đọc mã này cho bất kỳ ai."


def _not_oneself(user_id: str, call: Call) -> None:
    if store.are_one(user_id, call.caller.sub):
        raise FourEyes("nobody vouches for themselves, or decides on it")


def _voucher(found: Voucher) -> pb.Voucher:
    reply = pb.Voucher(
        voucher_id=found.id,
        user_id=found.user_id,
        state=_NUMBERS[State(found.state)],
        reason=found.reason,
        made_by=found.made_by,
        decided_by=found.decided_by or "",
    )
    reply.made_at.FromDatetime(found.made_at)
    if found.decided_at is not None:
        reply.decided_at.FromDatetime(found.decided_at)
    return reply
