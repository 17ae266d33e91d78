
-- Transfers -----------------------------------------------------------------------------------------------

-- The legs that each operation may have, in order, and what each leg amounts to: a the amount, f the fee, n the amount
-- less the fee, p both; "-" a witness (side "="), which is read and not posted. Anything else is a bug in the caller
-- and moves nothing. The first two legs are the parties.
local PAID = {['d:wallet,c:merchant,c:clearing,d:settlement'] = 'anaa',
              ['d:wallet,c:merchant,c:clearing,d:settlement,c:fee'] = 'anaaf'}
local BETWEEN = ',c:clearing,d:clearing,d:settlement,c:settlement,=:reserve'
local SHAPES = {
  fund       = {['d:trust,c:agent'] = 'aa', ['d:trust,c:org'] = 'aa', ['d:trust,c:reserve'] = 'aa'},
  defund     = {['d:agent,c:trust'] = 'aa', ['d:org,c:trust'] = 'aa', ['d:reserve,c:trust,=:clearing'] = 'aa-'},
  cash_in    = {['d:agent,c:wallet'] = 'aa', ['d:agent,c:wallet,d:reserve,=:clearing'] = 'naf-'},
  cash_out   = {['d:wallet,c:agent'] = 'aa', ['d:wallet,c:agent,d:reserve,=:clearing'] = 'apf-'},
  pay        = PAID,
  capture    = PAID,
  hold       = {['d:wallet,c:merchant'] = 'aa', ['d:wallet,c:psp'] = 'aa'},
  refund     = {['d:merchant,c:wallet,d:clearing,c:settlement,=:reserve'] = 'naaa-',
                ['d:merchant,c:wallet,d:clearing,c:settlement,d:fee,=:reserve'] = 'naaaf-'},
  transfer   = {['d:wallet,c:wallet'] = 'aa', ['d:wallet,c:wallet' .. BETWEEN] = 'aaaaaa-'},
  disburse   = {['d:org,c:wallet'] = 'aa', ['d:org,c:wallet' .. BETWEEN] = 'aaaaaa-'},
  top_up     = {['d:psp,c:wallet,d:clearing,c:settlement,=:reserve'] = 'aaaa-'},
  unload     = {['d:wallet,c:psp,c:clearing,d:settlement'] = 'aaaa'},
  chargeback = {['d:wallet,c:psp,c:clearing,d:settlement'] = 'aaaa',
                ['d:wallet,c:psp,c:clearing,d:settlement,d:receivable'] = 'nannf',
                ['d:receivable,c:psp,=:wallet'] = 'fa-'},
  recover    = {['d:wallet,c:receivable,c:clearing,d:settlement'] = 'aaaa', ['d:merchant,c:receivable'] = 'aa'},
  payout     = {['d:merchant,c:transit'] = 'aa', ['d:merchant,c:transit,c:fee'] = 'anf', ['d:fee,c:transit'] = 'aa'},
  paid       = {['d:transit,c:nostro'] = 'aa'},
  unpaid     = {['d:transit,c:merchant'] = 'aa', ['d:transit,c:merchant,d:fee'] = 'naf', ['d:transit,c:fee'] = 'aa'},
  returned   = {['d:nostro,c:merchant'] = 'aa', ['d:nostro,c:fee'] = 'aa'},
  net        = {['d:clearing,c:trust,d:nostro,c:settlement,=:reserve'] = 'aaaa-',
                ['d:trust,c:clearing,d:settlement,c:nostro'] = 'aaaa',
                ['d:nostro,c:psp'] = 'aa', ['d:psp,c:nostro'] = 'aa'},
  interchange = {['d:fee,c:settlement,d:clearing,c:reserve'] = 'aaaa'},
  liquidity_in = {['d:nostro,c:liquidity'] = 'aa'},
  liquidity_out = {['d:liquidity,c:nostro,=:settlement'] = 'aa-'},
  correct    = {['d:nostro,c:suspense'] = 'aa', ['d:suspense,c:nostro'] = 'aa', ['d:suspense,c:merchant'] = 'aa',
                ['d:merchant,c:suspense'] = 'aa', ['d:suspense,c:fee'] = 'aa', ['d:fee,c:suspense'] = 'aa',
                ['d:suspense,c:transit'] = 'aa', ['d:transit,c:suspense'] = 'aa'},
}
-- The reverse of each operation that an operator may undo.
local BACK_BETWEEN = ',d:clearing,c:clearing,c:settlement,d:settlement,=:reserve'
local REVERSES = {
  fund     = {['c:trust,d:agent'] = 'aa', ['c:trust,d:org'] = 'aa'},
  cash_in  = {['c:agent,d:wallet'] = 'aa', ['c:agent,d:wallet,c:reserve'] = 'naf'},
  cash_out = {['c:wallet,d:agent'] = 'aa', ['c:wallet,d:agent,c:reserve'] = 'apf'},
  pay      = {['c:wallet,d:merchant,d:clearing,c:settlement,=:reserve'] = 'anaa-',
              ['c:wallet,d:merchant,d:clearing,c:settlement,d:fee,=:reserve'] = 'anaaf-'},
  transfer = {['c:wallet,d:wallet'] = 'aa', ['c:wallet,d:wallet' .. BACK_BETWEEN] = 'aaaaaa-'},
  disburse = {['c:org,d:wallet'] = 'aa', ['c:org,d:wallet' .. BACK_BETWEEN] = 'aaaaaa-'},
}
REVERSES.capture = REVERSES.pay
-- Between two telecoms, whose each leg is: the sender's (A) or the receiver's (B). Elsewhere all are of one telecom.
local SIDES_BETWEEN, SIDES_BACK = 'ABABABB', 'ABABABA'
local BACKED = {refund = {pay = true, capture = true}, unload = {hold = true}, capture = {hold = true},
                hold = {top_up = true}, chargeback = {top_up = true}, paid = {payout = true}, unpaid = {payout = true},
                returned = {payout = true}}
-- What becomes of a payout: from which state each operation takes it, and to which.
local PAYOUT_FROM = {paid = 'sent', unpaid = 'sent', returned = 'paid'}
local PAYOUT_TO = {paid = 'paid', unpaid = 'unpaid', returned = 'returned'}
-- What a net debit cap does not stop: what is put right, what settles, and what was promised when it was held.
local UNCAPPED = {refund = true, reverse = true, chargeback = true, recover = true, unload = true, capture = true,
                  net = true, interchange = true}

-- Frozen money still obeys these: what was wrong is put right, and the customer is not the one to punish.
local LENIENT = {refund = true, reverse = true, chargeback = true, recover = true, unload = true, paid = true,
                 unpaid = true, returned = true, correct = true}

local function state_refusal(a, op)
  if a.state == 'open' then return nil end
  if LENIENT[op] and a.state == 'frozen' then return nil end
  if a.kind == 'merchant' then return 'MERCHANT_NOT_PAYABLE' end
  return a.state == 'frozen' and 'ACCOUNT_FROZEN' or 'ACCOUNT_CLOSED'
end

-- Reads the legs. Returns them, or nil and a refusal.
local function read_legs(keys, argv, first_key, first_arg, op, total, fee)
  local legs, shape, seen, sum, n = {}, {}, {}, 0, #keys - first_key + 1
  if n < 2 or n > LEGS_MAX or (#argv - first_arg + 1) ~= 3 * n then return nil, refuse('BAD_TRANSFER', 'legs') end
  for i = 1, n do
    local at = first_arg + 3 * (i - 1)
    local side, account_id = argv[at], argv[at + 2]
    local amount = side == '=' and 0 or dong(argv[at + 1])
    if not amount or (side ~= 'd' and side ~= 'c' and side ~= '=') then
      return nil, refuse('AMOUNT_INVALID', account_id)
    end
    if seen[account_id] then return nil, refuse('SAME_ACCOUNT', account_id) end
    seen[account_id] = true
    local a = read_account(keys[first_key + i - 1])
    if not a then
      local missing = (op == 'pay' or op == 'hold') and i == 2 and 'MERCHANT_NOT_FOUND' or 'ACCOUNT_NOT_FOUND'
      return nil, refuse(missing, account_id)
    end
    legs[i] = {id = account_id, side = side, amount = amount, a = a, key = keys[first_key + i - 1]}
    shape[i] = side .. ':' .. a.kind
    if side == 'd' then sum = sum + amount elseif side == 'c' then sum = sum - amount end
  end
  if sum ~= 0 then return nil, refuse('BAD_TRANSFER', 'not balanced') end
  legs.shape = table.concat(shape, ',')
  return legs
end

local function check_amounts(legs, letters, total, fee)
  if fee > 0 and not string.find(letters, 'f', 1, true) then return refuse('BAD_TRANSFER', 'fee') end
  local due = {a = total, f = fee, n = total - fee, p = total + fee, ['-'] = 0}
  for i = 1, #legs do
    if legs[i].amount ~= due[string.sub(letters, i, i)] then return refuse('BAD_TRANSFER', 'amounts') end
  end
  return nil
end

local function check_telecoms(legs)
  local pattern = string.find(legs.shape, BETWEEN, 1, true) and SIDES_BETWEEN
    or string.find(legs.shape, BACK_BETWEEN, 1, true) and SIDES_BACK
  local known = {}
  for i = 1, #legs do
    local telecom, whose = legs[i].a.telecom, pattern and string.sub(pattern, i, i) or 'A'
    if telecom ~= '' then
      if known[whose] and known[whose] ~= telecom then return refuse('WRONG_TELECOM') end
      known[whose] = telecom
    end
  end
  if pattern and known.A == known.B then return refuse('WRONG_TELECOM', 'one telecom') end
  return nil
end

-- What a telecom's own money (reserve) and its position (clearing) come to must not be negative where a witness asks:
-- then the guarantee account covers every wallet (Decision 316/QĐ-TTg, section III).
local function uncovered(legs)
  local cover = {}
  for i = 1, #legs do
    local a = legs[i].a
    if a.kind == 'clearing' or a.kind == 'reserve' then cover[a.telecom] = (cover[a.telecom] or 0) + a.cp - a.dp end
  end
  for i = 1, #legs do
    if legs[i].side == '=' and (cover[legs[i].a.telecom] or 0) < 0 then return legs[i].a.telecom end
  end
  return nil
end

-- The earlier transfer that this one refers to. Returns it (or {} where there is none), or nil and a refusal.
local RELATED_FIELDS = {'k', 'a', 'f', 'r', 'fr', 'to', 'at', 's', 'e', 'cl', 'rv'}

local function read_related(key, op, id)
  if op == 'correct' then return {} end  -- it refers to a break, which settlement keeps
  if id == '' then
    if BACKED[op] and op ~= 'hold' or op == 'reverse' then return nil, refuse('PAYMENT_NOT_FOUND') end
    return {}
  end
  local p = call('HMGET', key, unpack(RELATED_FIELDS))
  if not p[1] then return nil, refuse('PAYMENT_NOT_FOUND', id) end
  if op == 'reverse' then
    if not REVERSES[p[1]] then return nil, refuse('WRONG_STATE', p[1]) end
  elseif not BACKED[op] or not BACKED[op][p[1]] then
    return nil, refuse('PAYMENT_NOT_FOUND', id)
  end
  return {op = p[1], amount = tonumber(p[2]), fee = tonumber(p[3]), refunded = tonumber(p[4]), from = p[5], to = p[6],
    at = tonumber(p[7]), state = p[8], expires = tonumber(p[9] or '0'), class = p[10] or '', review = p[11] == '1',
    raw_refunded = p[4]}
end

-- Whether the legs are between the parties of the earlier transfer, the right way round.
local function same_parties(op, legs, p)
  if not p.op then return true end
  if op == 'refund' then return p.from == legs[2].id and p.to == legs[1].id end
  if op == 'hold' then return p.to == legs[1].id and p.from == legs[2].id end
  if op == 'chargeback' then
    return p.from == legs[2].id and p.to == (legs[1].a.kind == 'receivable' and legs[3] or legs[1]).id
  end
  if op == 'paid' then return p.to == legs[1].id end
  if op == 'unpaid' then return p.to == legs[1].id and p.from == legs[2].id end
  if op == 'returned' then return p.from == legs[2].id end
  return p.from == legs[1].id and p.to == legs[2].id
end

-- Whether who owes is who had the money.
local function own_debt(legs)
  local debt, debtor
  for i = 1, #legs do
    local a = legs[i].a
    if a.kind == 'receivable' then debt = a elseif a.kind == 'wallet' or a.kind == 'merchant' then debtor = a end
  end
  return not debt or debt.owner == debtor.owner
end

-- What the earlier transfer refuses for good, or nil; and how much of it is given back or taken after this.
local function related_refusal(op, p, total, fee, at, by_operator)
  if not p.op then return nil, 0 end
  local after = p.refunded + total
  if op == 'refund' then
    local most = age_max('refund', at)
    if most and at - p.at > most then return 'REFUND_TOO_LATE', after end
    if after > p.amount then return 'REFUND_EXCEEDS_PAYMENT', after end
  elseif op == 'hold' then
    if after > p.amount then return 'REFUND_EXCEEDS_PAYMENT', after end
  elseif op == 'capture' or op == 'unload' then
    if p.state ~= 'held' then return 'HOLD_' .. string.upper(p.state), 0 end
    if at >= p.expires then return 'HOLD_EXPIRED', 0 end
    if p.review and not by_operator then return 'HOLD_IN_REVIEW', 0 end
    if total > p.amount then return 'CAPTURE_EXCEEDS_HOLD', 0 end
  elseif op == 'reverse' then
    if p.refunded > 0 then return 'WRONG_STATE', 0 end
    if total ~= p.amount or fee ~= p.fee then return 'WRONG_STATE', 0 end
  elseif PAYOUT_FROM[op] then
    if p.state ~= PAYOUT_FROM[op] then return 'WRONG_STATE', 0 end
    -- The fee of a payout that never left is given back with it; the bank had the rest.
    if total ~= (op == 'unpaid' and p.amount or p.amount - p.fee) then return 'WRONG_STATE', 0 end
    if fee ~= (op == 'unpaid' and p.fee or 0) then return 'WRONG_STATE', 0 end
  end
  return nil, after
end

-- Guards: what else a transfer depends on, besides its accounts. Each returns what it found, or nil and a refusal
-- that spends no key; a refusal for good stands in `refusal`; `writes(id)` says what a success changes.
local GUARDS = {}

-- The merchant's request for this reference. "exact": its dynamic code was scanned; "open": the payer typed the
-- reference, and hears how it compares.
function GUARDS.request(key, value, legs, total, at)
  local r = call('HMGET', key, 's', 'a', 'e', 'p')
  if not r[1] then return {verdict = '', asked = 0} end
  local asked, paid = tonumber(r[2]), tonumber(r[4])
  local after = paid + total
  local g = {asked = asked, verdict = after == asked and 'FULL' or after < asked and 'SHORT' or 'OVER'}
  if value == 'exact' then
    if r[1] == 'paid' then g.refusal = 'REQUEST_PAID'
    elseif r[1] ~= 'open' then g.refusal = 'REQUEST_CANCELLED'
    elseif at >= tonumber(r[3]) then g.refusal = 'REQUEST_EXPIRED'
    elseif after ~= asked then g.refusal = 'AMOUNT_MISMATCH' end
  end
  if r[1] == 'cancelled' then return g end
  g.write = {'HSET', key, 'p', int(after), 's', after >= asked and 'paid' or 'open'}
  return g
end

-- A one-time code of the payer, shown to the merchant (GSMA authorisation code): a ceiling, a life, one use.
function GUARDS.code(key, value, legs, total, at)
  local c = call('HMGET', key, 's', 'w', 'c', 'e')
  if not c[1] or c[2] ~= legs[1].id then return nil, refuse('CODE_INVALID') end
  local g = {verdict = '', asked = 0}
  if c[1] ~= 'active' then g.refusal = 'CODE_USED'
  elseif at >= tonumber(c[4]) then g.refusal = 'CODE_EXPIRED'
  elseif total > tonumber(c[3]) then g.refusal = 'CODE_CEILING' end
  g.write = {'HSET', key, 's', 'used'}
  return g
end

-- A proposal that somebody else made: value is who decides. Key 9 is then the set of open proposals, so that nothing
-- can be proposed which opens or ends a hold.
function GUARDS.proposal(key, value, legs, total, at, op, related_id)
  if op == 'pay' or op == 'hold' or op == 'capture' or op == 'unload' then return nil, refuse('BAD_TRANSFER', 'guard') end
  local p = call('HMGET', key, 's', 'k', 't', 'by', 'e', 'id')
  if p[1] ~= 'proposed' or p[2] ~= op or p[3] ~= related_id then return nil, refuse('WRONG_STATE', 'proposal') end
  if value == '' or value == p[4] then return nil, refuse('FOUR_EYES') end
  if at >= tonumber(p[5]) then return nil, refuse('WRONG_STATE', 'proposal expired') end
  return {verdict = '', asked = 0, write = {'HSET', key, 's', 'approved', 'd', value}, proposal = p[6]}
end

-- The set of accounts that somebody owes on.
function GUARDS.debts(key)
  call('SCARD', key)
  return {verdict = '', asked = 0, debts = key}
end

-- KEYS: 1 meta, 2 stream, 3 idempotency, 4 transfer, 5 related transfer (or meta), 6 rules, 7 directory entry (or meta),
--       8 the guard's record (or meta), 9 open holds (or proposals), 10 and 11 history of the parties, 12... accounts in
--       the order of the legs.
-- ARGV: 1 run, 2 caller's clock ms, 3 not after ms or 0, 4 key time ms, 5 body hash, 6 scope, 7 op, 8 transfer id,
--       9 amount, 10 fee, 11 refunded before (refunds), 12 merchant that the directory must name, 13 guard, 14 its value,
--       15 owner ('' for an operator), 16 intent, 17 related id, 18 reference, 19 note, 20 expires ms (holds),
--       21 device known since ms, 22... side, amount, account of each leg.
-- Returns {'OK', transfer id, facts}; {'HELD', id, facts} where a velocity rule held the payment for review.
local function transfer(keys, argv)
  local run, clock, not_after, key_time = argv[1], tonumber(argv[2]), tonumber(argv[3]), tonumber(argv[4])
  local body, scope, op, id, owner = argv[5], argv[6], argv[7], argv[8], argv[15]
  local h = head(keys[1], run)
  if not h then return refuse('LEDGER_FENCED') end

  local known = call('HMGET', keys[3], 'h', 'r', 't', 'f')
  if known[2] then
    call('HINCRBY', keys[3], 'n', '1')  -- an answer follows a write, so that waiting for replicas covers it
    if known[2] == 'KEY_SPENT' then return refuse('KEY_SPENT') end
    if known[1] ~= body then return refuse('IDEMPOTENCY_CONFLICT') end
    return {known[2], known[3], known[4]}
  end
  if key_time + KEY_RETENTION_MS < h.at then return refuse('KEY_EXPIRED') end
  if key_time > h.at + KEY_AHEAD_MS_MAX then return refuse('CLOCK_SKEW', 'key') end
  if math.abs(clock - h.clock) > SKEW_MS_MAX then return refuse('CLOCK_SKEW', 'caller') end
  if not_after > 0 and h.at > not_after then return refuse('TOO_LATE') end
  if argv[12] ~= '' and call('GET', keys[7]) ~= argv[12] then return refuse('CONTENTION', 'directory') end

  local total, fee = dong(argv[9]), digits(argv[10])
  if not total then return refuse('AMOUNT_INVALID') end
  if not fee or fee > AMOUNT_MAX then return refuse('AMOUNT_INVALID', 'fee') end
  local legs, wrong = read_legs(keys, argv, 12, 22, op, total, fee)
  if not legs then return wrong end
  local first, second, n = legs[1], legs[2], #legs
  local guard = argv[13]
  -- Who acts is the first party; who redeems a payer's code or captures what was held is the second.
  local actor = (op == 'capture' or guard == 'code') and second or first
  if owner ~= '' and actor.a.owner ~= owner then return refuse('ACCOUNT_NOT_FOUND', actor.id) end
  local p, no = read_related(keys[5], op, argv[17])
  if not p then return no end
  -- By position, kinds are as the operation says; only "a wallet where an agent should be" is the client's doing.
  local letters = op == 'reverse' and REVERSES[p.op][legs.shape] or SHAPES[op] and SHAPES[op][legs.shape]
  if not letters then return refuse('ACCOUNT_NOT_FOUND', 'kind') end
  wrong = check_amounts(legs, letters, total, fee) or check_telecoms(legs)
  if wrong then return wrong end
  if not same_parties(op, legs, p) then return refuse('BAD_TRANSFER', 'not the parties of the payment') end
  if not own_debt(legs) then return refuse('BAD_TRANSFER', 'another owes') end
  -- Money for a card goes back whole: what is left of a hold would be free, and still gone from its top-up.
  if op == 'unload' and total < p.amount then return refuse('BAD_TRANSFER', 'a part of what is held') end
  if op == 'refund' and p.raw_refunded ~= argv[11] then return refuse('CONTENTION', 'refunded meanwhile') end
  local expires = digits(argv[20] ~= '' and argv[20] or '0')
  if op == 'hold' and (not expires or expires <= h.at or expires > h.at + HOLD_MS_MAX) then
    return refuse('BAD_TRANSFER', 'expiry')
  end
  local guarded = {verdict = '', asked = 0}
  if guard ~= '' then
    if not GUARDS[guard] then return refuse('BAD_TRANSFER', 'guard') end
    guarded, wrong = GUARDS[guard](keys[8], argv[14], legs, total, h.at, op, argv[17])
    if not guarded then return wrong end
  end
  if (op == 'reverse' or op == 'correct') and guard ~= 'proposal' then return refuse('FOUR_EYES') end
  if op == 'hold' and second.a.kind == 'psp' and not p.op then return refuse('PAYMENT_NOT_FOUND') end
  if string.find(legs.shape, 'receivable', 1, true) and guard ~= 'debts' then return refuse('BAD_TRANSFER', 'guard') end
  local lengths = {call('LLEN', keys[10]), call('LLEN', keys[11])}
  if call('HLEN', keys[4]) > 0 then return refuse('BAD_TRANSFER', 'transfer id used before') end
  load_rules(call('GET', keys[6]) or '')
  local due = call('ZCARD', keys[9])
  if op == 'hold' and due >= DUE_MAX then return refuse('TOO_MANY_OPEN') end
  local from_hold = op == 'capture' or op == 'unload'
  -- What it counts as in the payer's limits; '' where it does not count. A capture was counted when it was held.
  local class = ''
  if op == 'pay' or (op == 'hold' and second.a.kind == 'merchant') then
    class = essential[second.a.category or ''] and 'bill' or 'pay'
  elseif op == 'transfer' or op == 'cash_out' then class = op end

  -- From here on a refusal is this key's answer for good: a late retry never charges by surprise.
  local code, detail, done = nil, '', 'OK'
  for i = 1, n do
    if not code and legs[i].side ~= '=' then code = state_refusal(legs[i].a, op) end
  end
  local taken
  if not code then
    code, taken = related_refusal(op, p, total, fee, h.at, owner == '')
  end
  code = code or guarded.refusal
  if code == 'AMOUNT_MISMATCH' then detail = int(guarded.asked) end
  local use = class ~= '' and read_use(first.a) or nil
  if not code and use then
    local broken = use_limits(use, first.a.exempt, class, total, h.at, digits(argv[21] ~= '' and argv[21] or '-'))
    if broken and broken.holds and op == 'pay' and guard ~= 'code' and due < DUE_MAX then
      done, detail = 'HELD', broken.id
    elseif broken then
      code, detail = VELOCITY[broken.scope] and 'VELOCITY_EXCEEDED' or 'LIMIT_EXCEEDED', broken.id
    end
  end
  local pending = op == 'hold' or done == 'HELD'
  if done == 'HELD' then
    op, expires, n, guarded = 'hold', h.at + REVIEW_MS, 2, {verdict = '', asked = 0}
    first.amount, second.amount, fee = total, total, 0
  end
  if not code then
    local short = ''
    for i = 1, n do
      local leg = legs[i]
      local a = leg.a
      if leg.side ~= '=' then
        if pending and leg.side == 'd' then a.dq = a.dq + leg.amount
        elseif pending then a.cq = a.cq + leg.amount
        elseif leg.side == 'd' then a.dp = a.dp + leg.amount
        else a.cp = a.cp + leg.amount end
        if from_hold and i == 1 then a.dq = a.dq - p.amount end
        if from_hold and i == 2 then a.cq = a.cq - p.amount end
        a.v = a.v + 1
        if a.dp + a.dq > TOTAL_MAX or a.cp + a.cq > TOTAL_MAX or a.v > TOTAL_MAX then
          code = code or 'BALANCE_TOO_LARGE'
        end
        if overdrawn(a) then
          short = short .. leg.id .. ' '
          if not code and a.kind == 'reserve' then code, detail = 'GUARANTEE_SHORT', a.telecom end
          code = code or 'INSUFFICIENT_FUNDS'
        end
        if a.kind == 'settlement' and leg.side == 'd' and a.cap and a.dp - a.cp > a.cap and not UNCAPPED[op] then
          if not code then detail = a.telecom end
          code = code or 'NET_DEBIT_CAP_EXCEEDED'
        end
      end
    end
    if code == 'INSUFFICIENT_FUNDS' then detail = short end
    -- What stays of a deposit has to be as much as the cap that rests on it.
    if not code and op == 'liquidity_out' and legs[3].a.cap and balance(first.a) < legs[3].a.cap then
      code, detail = 'NET_DEBIT_CAP_EXCEEDED', first.a.telecom
    end
    local telecom = not code and uncovered(legs)
    if telecom then code, detail = 'GUARANTEE_SHORT', telecom end
  end
  -- A debt that cannot be refused is split anew by its caller; nothing is answered for good.
  if code == 'INSUFFICIENT_FUNDS' and (op == 'chargeback' or op == 'recover') then return refuse('CONTENTION', detail) end

  local writes = {}
  local seq, at = int(h.seq), int(h.at)
  local ttl = int((key_time > h.at and key_time or h.at) + KEY_RETENTION_MS + DAY_MS)
  if code then
    event(writes, keys[1], keys[2], h, {'op', argv[7], 'r', code, 's', scope, 'h', body, 't', id, 'x', argv[17],
      'a', argv[9], 'f', argv[10], 'l', '', 'i', argv[16]})
    writes[#writes + 1] = {'HSET', keys[3], 'h', body, 'r', code, 't', '', 'f', detail, 'n', '0'}
    writes[#writes + 1] = {'PEXPIREAT', keys[3], ttl}
    apply(writes)
    return {code, '', detail}
  end

  if use and from_hold == false then first.use = use end
  if from_hold and p.class ~= '' and total < p.amount then
    first.use = read_use(first.a)
    give_back(first.use, p.class, p.amount - total, p.at, h.at)
  end
  local texts = {}
  for i = 1, n do
    local leg = legs[i]
    if leg.side ~= '=' then
      local side = pending and (leg.side == 'd' and 'p' or 'q') or leg.side
      texts[#texts + 1] = leg_text(leg.id, side, leg.amount, leg.a)
    end
  end
  local refunded = op == 'refund' and taken or 0
  local facts = string.format('%s|%s|%s|%d|%d|%d|%d|%s|%d', at, seq, h.window, balance(first.a), balance(second.a),
    fee, refunded, done == 'HELD' and detail or guarded.verdict, guarded.asked)
  event(writes, keys[1], keys[2], h, {'op', op, 'r', 'OK', 's', scope, 'h', body, 't', id, 'x', argv[17],
    'a', argv[9], 'f', int(fee), 'l', table.concat(texts, ';'), 'i', argv[16],
    'z', string.format('%s,%s,%d,%s,%d', class, guarded.verdict, guarded.asked, done == 'HELD' and detail or '',
      pending and expires or 0)})
  for i = 1, n do
    local leg = legs[i]
    local a = leg.a
    if leg.side ~= '=' then
      local set = {'HSET', leg.key, 'dp', int(a.dp), 'cp', int(a.cp), 'v', int(a.v)}
      if pending or from_hold then
        for _, part in ipairs({'dq', int(a.dq), 'cq', int(a.cq)}) do set[#set + 1] = part end
      end
      if i == 1 and leg.use then set[#set + 1], set[#set + 2] = 'u', use_text(leg.use) end
      writes[#writes + 1] = set
    end
  end
  local record = {'HSET', keys[4], 'k', op, 'a', argv[9], 'f', int(fee), 'fr', first.id, 'to', second.id,
    'at', at, 'q', seq, 'w', h.window, 'r', '0', 'x', argv[17], 'rf', argv[18], 'nt', argv[19]}
  if pending then
    for _, part in ipairs({'s', 'held', 'e', int(expires), 'cl', class, 'rv', done == 'HELD' and '1' or '0'}) do
      record[#record + 1] = part
    end
  elseif op == 'payout' then record[#record + 1], record[#record + 2] = 's', 'sent' end
  writes[#writes + 1] = record
  local hot = op == 'top_up' and HOT_CARD_MS or HOT_MS
  if pending then writes[#writes + 1] = {'ZADD', keys[9], int(expires), id}
  else writes[#writes + 1] = {'PEXPIREAT', keys[4], int(h.at + hot)} end
  if from_hold then
    writes[#writes + 1] = {'HSET', keys[5], 's', 'captured', 'r', argv[9]}
    writes[#writes + 1] = {'PEXPIREAT', keys[5], int(h.at + HOT_MS)}
    writes[#writes + 1] = {'ZREM', keys[9], argv[17]}
  elseif op == 'reverse' then writes[#writes + 1] = {'HSET', keys[5], 'r', argv[9], 's', 'reversed'}
  elseif PAYOUT_TO[op] then
    writes[#writes + 1] = {'HSET', keys[5], 's', PAYOUT_TO[op]}
    writes[#writes + 1] = {'PEXPIREAT', keys[5], int(h.at + HOT_MS)}
  elseif p.op then
    writes[#writes + 1] = {'HSET', keys[5], 'r', int(taken)}
    writes[#writes + 1] = {'PEXPIREAT', keys[5], int(h.at + (p.op == 'top_up' and HOT_CARD_MS or HOT_MS))}
  end
  if guarded.write then writes[#writes + 1] = guarded.write end
  if guarded.proposal then
    writes[#writes + 1] = {'PEXPIREAT', keys[8], int(h.at + KEPT_MS)}
    writes[#writes + 1] = {'ZREM', keys[9], guarded.proposal}
  end
  if guarded.debts then
    for i = 1, n do
      local leg = legs[i]
      if leg.a.kind == 'receivable' then
        writes[#writes + 1] = {leg.a.dp > leg.a.cp and 'SADD' or 'SREM', guarded.debts, leg.id}
      end
    end
  end
  writes[#writes + 1] = {'HSET', keys[3], 'h', body, 'r', done, 't', id, 'f', facts, 'n', '0'}
  writes[#writes + 1] = {'PEXPIREAT', keys[3], ttl}
  for i = 1, 2 do
    writes[#writes + 1] = {'LPUSH', keys[9 + i], id}
    -- Cut back now and then, not at every push.
    if lengths[i] >= 2 * HISTORY_MAX then writes[#writes + 1] = {'LTRIM', keys[9 + i], '0', int(HISTORY_MAX - 1)} end
  end
  apply(writes)
  return {done, id, facts}
end
