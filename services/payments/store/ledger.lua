#!lua name=cho_ledger_v1
-- The ledger: every movement of money is one call of one function here, atomic and serial.
--
-- A function reads and checks everything first, plans its writes as a list, and only then applies them:
-- an error between two writes would leave the first one standing, across restarts too. Whatever can fail
-- has failed before `apply` starts, and `apply` runs commands whose keys were read (so their types are known)
-- and whose arguments are strings. XADD goes first: it alone could refuse (an id that is not above the last one).
--
-- Numbers arrive as text matching ^[1-9][0-9]*$ and leave by %d: Lua's own conversion loses digits from 10^14.
-- Functions are never replaced: a change is a new library with functions _v2, and callers name the version.

local function call(...) return redis.call(...) end  -- redis.call does not exist yet while a library loads

local AMOUNT_MAX = 1000000000000          -- 10^12 đồng
local TOTAL_MAX = 9007199254740991        -- 2^53 - 1: the largest integer that a double counts to
local LEGS_MAX = 16
local SKEW_MS_MAX = 5000
local KEY_RETENTION_MS = 7 * 86400000     -- keys older than this are refused; younger ones are all remembered
local KEY_AHEAD_MS_MAX = 86400000
local HISTORY_MAX = 50
local DAY_MS = 86400000
local VIETNAM_MS = 7 * 3600000            -- Asia/Ho_Chi_Minh has no summer time

local function int(n) return string.format('%d', n) end

local function refuse(code, detail) return {code, '', detail or ''} end

-- yyyymm and day number in Vietnam, by integer arithmetic (days to civil date, Howard Hinnant's algorithm).
local function calendar(at)
  local day = math.floor((at + VIETNAM_MS) / DAY_MS)
  local z = day + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return year * 100 + month, day
end

local function apply(writes)
  for i = 1, #writes do call(unpack(writes[i])) end
end

-- The cell's head. Returns nil where `run` is not the server run that the start gate opened.
local function head(meta_key, run)
  local m = call('HMGET', meta_key, 'gate', 'seq', 'at', 'epoch', 'window', 'cut_seq')
  if not m[1] or m[1] ~= run then return nil end
  local time = call('TIME')
  local clock = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local last = tonumber(m[3])
  return {
    seq = tonumber(m[2]) + 1, clock = clock, at = clock > last and clock or last,
    epoch = m[4], window = m[5], cut_seq = m[6],
  }
end

-- First of the planned writes: the event, under its sequence number; then the head.
local function event(writes, meta_key, stream_key, h, fields)
  local add = {'XADD', stream_key, int(h.seq) .. '-0', 'at', int(h.at), 'w', h.window, 'e', h.epoch}
  for i = 1, #fields do add[#add + 1] = fields[i] end
  writes[#writes + 1] = add
  writes[#writes + 1] = {'HSET', meta_key, 'seq', int(h.seq), 'at', int(h.at)}
end

-- Accounts ------------------------------------------------------------------------------------------------

local ACCOUNT_FIELDS = {'k', 's', 't', 'o', 'dp', 'cp', 'dq', 'cq', 'v'}

local function read_account(key)
  local a = call('HMGET', key, unpack(ACCOUNT_FIELDS))
  if not a[1] then return nil end
  return {
    kind = a[1], state = a[2], telecom = a[3], owner = a[4],
    dp = tonumber(a[5]), cp = tonumber(a[6]), dq = tonumber(a[7]), cq = tonumber(a[8]), v = tonumber(a[9]),
  }
end

-- What a wallet has used of its limits: only the account that pays is asked.
local function read_use(key, a)
  local u = call('HMGET', key, 'x', 'mm', 'm1', 'm2', 'dd', 'd1', 'd2')
  a.exempt = u[1] == '1'
  a.month, a.m1, a.m2 = tonumber(u[2] or '0'), tonumber(u[3] or '0'), tonumber(u[4] or '0')
  a.day, a.d1, a.d2 = tonumber(u[5] or '0'), tonumber(u[6] or '0'), tonumber(u[7] or '0')
end

local function leg_text(id, side, amount, a)
  return string.format('%s,%s,%d,%d,%d,%d,%d,%d', id, side, amount, a.dp, a.cp, a.dq, a.cq, a.v)
end

-- What debits more than it has: assets (trust, settlement) may be credited only as far as they were debited,
-- everything else debited only as far as it was credited. Pending amounts count as gone.
local function overdrawn(a)
  if a.kind == 'trust' or a.kind == 'settlement' then return a.cp + a.cq > a.dp end
  return a.dp + a.dq > a.cp
end

-- Limits --------------------------------------------------------------------------------------------------

local rules_text, rules = nil, {}

local SCOPES = {tx = true, day = true, month = true}

-- Rules are one string: id,from_ms,until_ms,scope,ops,max;... Nil where one of them is not understood.
local function parse_rules(text)
  local parsed = {}
  for part in string.gmatch(text, '[^;]+') do
    local id, from, till, scope, ops, max = string.match(part, '^([^,]+),(%d+),(%d+),(%a+),([%a_+]+),(%d+)$')
    if not id or not SCOPES[scope] then return nil end
    parsed[#parsed + 1] = {id = id, from = tonumber(from), till = tonumber(till), scope = scope,
      pays = string.find(ops, 'pay', 1, true) ~= nil, cashes = string.find(ops, 'cash_out', 1, true) ~= nil,
      max = tonumber(max)}
  end
  return parsed
end

-- Parsed when they change. What is in force was understood when it was put there.
local function load_rules(text)
  if text ~= rules_text then rules_text, rules = text, parse_rules(text) end
end

-- Counts `amount` on wallet `a` for `op`, and returns the id of the first rule that it would break.
local function use_limits(a, op, amount, at)
  local pays, cashes = op == 'pay', op == 'cash_out'
  local month, day = calendar(at)
  if a.month ~= month then a.month, a.m1, a.m2 = month, 0, 0 end
  if a.day ~= day then a.day, a.d1, a.d2 = day, 0, 0 end
  if pays then a.m1, a.d1 = a.m1 + amount, a.d1 + amount else a.m2, a.d2 = a.m2 + amount, a.d2 + amount end
  if a.exempt then return nil end
  for i = 1, #rules do
    local r = rules[i]
    if at >= r.from and at < r.till and ((pays and r.pays) or (cashes and r.cashes)) then
      local used = amount
      if r.scope == 'month' then used = (r.pays and a.m1 or 0) + (r.cashes and a.m2 or 0)
      elseif r.scope == 'day' then used = (r.pays and a.d1 or 0) + (r.cashes and a.d2 or 0) end
      if used > r.max then return r.id end
    end
  end
  return nil
end

-- Transfers -----------------------------------------------------------------------------------------------

-- The legs that each operation may have, in order: anything else is a bug in the caller and moves nothing.
local SHAPES = {
  fund     = {['d:trust,c:agent'] = true},
  cash_in  = {['d:agent,c:wallet'] = true},
  cash_out = {['d:wallet,c:agent'] = true},
  pay      = {['d:wallet,c:merchant,c:clearing,d:settlement'] = true,
              ['d:wallet,c:merchant,c:clearing,d:settlement,c:fee'] = true},
  refund   = {['d:merchant,c:wallet,d:clearing,c:settlement'] = true,
              ['d:merchant,c:wallet,d:clearing,c:settlement,d:fee'] = true},
}

-- Which state of an account refuses `op`. Refunds still reach a frozen wallet (the money stays frozen there)
-- and still leave a suspended merchant: the customer is not the one to punish.
local function state_refusal(a, op)
  if a.state == 'open' then return nil end
  if op == 'refund' and a.state == 'frozen' then return nil end
  if a.kind == 'merchant' then return 'MERCHANT_NOT_PAYABLE' end
  return a.state == 'frozen' and 'ACCOUNT_FROZEN' or 'ACCOUNT_CLOSED'
end

-- KEYS: meta, stream, idempotency, transfer, original transfer, rules, directory, history from, history to,
--       then one account a leg.
-- ARGV: run, caller's clock ms, not_after ms (0: none), key time ms, body hash, scope, op, transfer id, amount,
--       fee, refunded before (refunds), directory entry expected ('' for none), owner of the first account
--       ('' for anybody), intent, related transfer id, reference, note, then `side amount account-id` a leg.
-- Returns {code, transfer id, facts}; facts: at|seq|window|balance of first|balance of second|fee|refunded total.
-- Codes that spend the key are recorded as its answer and journaled; the others leave nothing behind.
local function transfer(keys, argv)
  local run, clock, not_after, key_time = argv[1], tonumber(argv[2]), tonumber(argv[3]), tonumber(argv[4])
  local body, scope, op, id = argv[5], argv[6], argv[7], argv[8]
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

  -- The legs: amounts, shape, and the accounts they touch.
  local legs, shape, seen, sum, total, n = {}, {}, {}, 0, tonumber(argv[9]), #keys - 9
  local fee = tonumber(argv[10])
  if n < 2 or n > LEGS_MAX or (#argv - 17) ~= 3 * n then return refuse('BAD_TRANSFER', 'legs') end
  if not string.find(argv[9], '^[1-9][0-9]*$') or not total or total > AMOUNT_MAX then
    return refuse('AMOUNT_INVALID')
  end
  if not string.find(argv[10], '^%d+$') then return refuse('AMOUNT_INVALID', 'fee') end
  for i = 1, n do
    local side, text, account_id = argv[15 + 3 * i], argv[16 + 3 * i], argv[17 + 3 * i]
    local amount = string.find(text, '^[1-9][0-9]*$') and tonumber(text)
    if not amount or amount > AMOUNT_MAX or (side ~= 'd' and side ~= 'c') then
      return refuse('AMOUNT_INVALID', account_id)
    end
    if seen[account_id] then return refuse('BAD_TRANSFER', 'same account twice') end
    seen[account_id] = true
    local a = read_account(keys[9 + i])
    if not a then return refuse(op == 'pay' and i == 2 and 'MERCHANT_NOT_FOUND' or 'ACCOUNT_NOT_FOUND', account_id) end
    legs[i] = {id = account_id, side = side, amount = amount, a = a}
    shape[i] = side .. ':' .. a.kind
    sum = sum + (side == 'd' and amount or -amount)
  end
  local first, second = legs[1], legs[2]
  if sum ~= 0 then return refuse('BAD_TRANSFER', 'not balanced') end
  if argv[13] ~= '' and first.a.owner ~= argv[13] then return refuse('ACCOUNT_NOT_FOUND', first.id) end
  -- By position, kinds are as the operation says; only "a wallet where an agent should be" is the client's doing.
  if not SHAPES[op] or not SHAPES[op][table.concat(shape, ',')] then return refuse('ACCOUNT_NOT_FOUND', 'kind') end
  for i = 1, n do
    local kind, due = legs[i].a.kind, total
    if kind == 'fee' then due = fee elseif kind == 'merchant' then due = total - fee end
    if legs[i].amount ~= due then return refuse('BAD_TRANSFER', 'amounts') end
  end
  local telecom = nil
  for i = 1, n do
    local t = legs[i].a.telecom
    if t ~= '' then
      if telecom and t ~= telecom then return refuse('WRONG_TELECOM') end
      telecom = t
    end
  end

  -- The payment that a refund gives back, and what of it is left.
  local refunded = 0
  if op == 'refund' then
    local p = call('HMGET', keys[5], 'k', 'a', 'r', 'fr', 'to', 'f')
    if p[1] ~= 'pay' then return refuse('PAYMENT_NOT_FOUND') end
    if p[4] ~= second.id or p[5] ~= first.id then return refuse('BAD_TRANSFER', 'not the parties of the payment') end
    if p[3] ~= argv[11] then return refuse('CONTENTION', 'refunded meanwhile') end
    refunded = tonumber(p[3]) + total
  end
  local lengths = {call('LLEN', keys[8]), call('LLEN', keys[9])}
  if call('HLEN', keys[4]) > 0 then return refuse('BAD_TRANSFER', 'transfer id used before') end
  local limited = op == 'pay' or op == 'cash_out'
  if limited then read_use(keys[10], first.a) end
  load_rules(call('GET', keys[6]) or '')

  -- From here on a refusal is this key's answer for good: a late retry never charges by surprise.
  local code, detail = nil, ''
  for i = 1, n do
    code = code or state_refusal(legs[i].a, op)
  end
  if not code and op == 'refund' then
    if refunded > tonumber(call('HGET', keys[5], 'a')) then code = 'REFUND_EXCEEDS_PAYMENT' end
  end
  if not code and limited then
    local broken = use_limits(first.a, op, total, h.at)
    if broken then code, detail = 'LIMIT_EXCEEDED', broken end
  end
  if not code then
    for i = 1, n do
      local a = legs[i].a
      if legs[i].side == 'd' then a.dp = a.dp + legs[i].amount else a.cp = a.cp + legs[i].amount end
      a.v = a.v + 1
      if a.dp > TOTAL_MAX or a.cp > TOTAL_MAX or a.v > TOTAL_MAX then code = code or 'BALANCE_TOO_LARGE' end
      if overdrawn(a) then code, detail = code or 'INSUFFICIENT_FUNDS', detail .. legs[i].id .. ' ' end
    end
  end

  local writes = {}
  local seq, at = int(h.seq), int(h.at)
  local ttl = int((key_time > h.at and key_time or h.at) + KEY_RETENTION_MS + DAY_MS)
  if code then
    event(writes, keys[1], keys[2], h, {'op', op, 'r', code, 's', scope, 'h', body, 't', id, 'x', argv[15],
      'a', argv[9], 'f', argv[10], 'l', '', 'i', argv[14]})
    writes[#writes + 1] = {'HSET', keys[3], 'h', body, 'r', code, 't', '', 'f', detail, 'n', '0'}
    writes[#writes + 1] = {'PEXPIREAT', keys[3], ttl}
    apply(writes)
    return {code, '', detail}
  end

  local texts = {}
  for i = 1, n do texts[i] = leg_text(legs[i].id, legs[i].side, legs[i].amount, legs[i].a) end
  local function balance(a) return a.cp - a.dp - a.dq end
  local facts = string.format('%s|%s|%s|%d|%d|%d|%d', at, seq, h.window, balance(first.a), balance(second.a),
    fee, refunded)
  event(writes, keys[1], keys[2], h, {'op', op, 'r', 'OK', 's', scope, 'h', body, 't', id, 'x', argv[15],
    'a', argv[9], 'f', argv[10], 'l', table.concat(texts, ';'), 'i', argv[14]})
  for i = 1, n do
    local a = legs[i].a
    local set = {'HSET', keys[9 + i], 'dp', int(a.dp), 'cp', int(a.cp), 'v', int(a.v)}
    if i == 1 and limited then
      for _, field in ipairs({'mm', int(a.month), 'm1', int(a.m1), 'm2', int(a.m2),
                              'dd', int(a.day), 'd1', int(a.d1), 'd2', int(a.d2)}) do set[#set + 1] = field end
    end
    writes[#writes + 1] = set
  end
  writes[#writes + 1] = {'HSET', keys[4], 'k', op, 'a', argv[9], 'f', argv[10], 'fr', first.id, 'to', second.id,
    'at', at, 'q', seq, 'w', h.window, 'r', '0', 'x', argv[15], 'rf', argv[16], 'nt', argv[17]}
  if op == 'refund' then writes[#writes + 1] = {'HSET', keys[5], 'r', int(refunded)} end
  writes[#writes + 1] = {'HSET', keys[3], 'h', body, 'r', 'OK', 't', id, 'f', facts, 'n', '0'}
  writes[#writes + 1] = {'PEXPIREAT', keys[3], ttl}
  for i = 1, 2 do
    writes[#writes + 1] = {'LPUSH', keys[7 + i], id}
    -- Cut back now and then, not at every push.
    if lengths[i] >= 2 * HISTORY_MAX then writes[#writes + 1] = {'LTRIM', keys[7 + i], '0', int(HISTORY_MAX - 1)} end
  end
  apply(writes)
  return {'OK', id, facts}
end

-- Opening and changing accounts ---------------------------------------------------------------------------

local KINDS = {wallet = true, agent = true, merchant = true, fee = true, trust = true, clearing = true,
               settlement = true}

-- KEYS: meta, stream, account, unique (what there may be one of: a telecom's wallet of an owner), owner's set.
-- ARGV: run, account id, kind, telecom, owner, limits exempt ('1' or '0'), scope, intent.
-- Returns {'OK', account id}: the one that exists already where there is one.
local function open(keys, argv)
  local h = head(keys[1], argv[1])
  if not h then return refuse('LEDGER_FENCED') end
  local existing = call('GET', keys[4])
  if existing then
    call('SET', keys[4], existing)  -- an answer follows a write
    return {'OK', existing, ''}
  end
  if not KINDS[argv[3]] or call('EXISTS', keys[3]) == 1 then return refuse('BAD_TRANSFER', 'kind or id') end
  call('SCARD', keys[5])
  local a = {dp = 0, cp = 0, dq = 0, cq = 0, v = 1}
  local writes = {}
  event(writes, keys[1], keys[2], h, {'op', 'open', 'r', 'OK', 's', argv[7], 'h', '', 't', argv[2], 'x', argv[3],
    'a', argv[4], 'f', argv[5], 'l', leg_text(argv[2], '-', 0, a), 'i', argv[8], 'z', 'open' .. ',' .. argv[6]})
  writes[#writes + 1] = {'HSET', keys[3], 'k', argv[3], 's', 'open', 't', argv[4], 'o', argv[5], 'dp', '0', 'cp', '0',
    'dq', '0', 'cq', '0', 'v', '1', 'x', argv[6]}
  writes[#writes + 1] = {'SET', keys[4], argv[2]}
  if argv[5] ~= '' then writes[#writes + 1] = {'SADD', keys[5], argv[2]} end
  apply(writes)
  return {'OK', argv[2], ''}
end

-- Puts an onboarded merchant into the ledger as onboarding says it is: opens its account, or changes its state.
-- KEYS: meta, stream, account, directory entry of its bank account, owner's set.
-- ARGV: run, merchant id, owner, state ('open' or 'frozen'), merchant version, bank BIN, category, name, market,
--       stall, scope, intent.
-- An older or equal version changes nothing: events may come twice and out of order.
local function merchant(keys, argv)
  local h = head(keys[1], argv[1])
  if not h then return refuse('LEDGER_FENCED') end
  local m = call('HMGET', keys[3], 'mv', 's', 'k')
  local version = tonumber(argv[5])
  if not version or (argv[4] ~= 'open' and argv[4] ~= 'frozen') then return refuse('BAD_TRANSFER', 'merchant') end
  if m[3] and m[3] ~= 'merchant' then return refuse('BAD_TRANSFER', 'kind') end
  local taken = call('GET', keys[4])
  if taken and taken ~= argv[2] then return refuse('ALREADY_EXISTS', taken) end
  call('SCARD', keys[5])
  if m[1] and tonumber(m[1]) >= version then
    call('HSET', keys[3], 'mv', m[1])
    return {'OK', argv[2], 'known'}
  end
  local a = m[3] and read_account(keys[3]) or {dp = 0, cp = 0, dq = 0, cq = 0, v = 0}
  a.v = a.v + 1
  local writes = {}
  event(writes, keys[1], keys[2], h, {'op', 'merchant', 'r', 'OK', 's', argv[11], 'h', '', 't', argv[2],
    'x', 'merchant', 'a', '', 'f', argv[3], 'l', leg_text(argv[2], '-', 0, a), 'i', argv[12],
    'z', argv[4] .. ',' .. argv[6]})
  local set = {'HSET', keys[3], 'k', 'merchant', 's', argv[4], 't', '', 'o', argv[3], 'v', int(a.v), 'x', '0',
    'mv', argv[5], 'b', argv[6], 'cc', argv[7], 'n', argv[8], 'mk', argv[9], 'st', argv[10]}
  if not m[3] then
    for _, field in ipairs({'dp', '0', 'cp', '0', 'dq', '0', 'cq', '0'}) do set[#set + 1] = field end
  end
  writes[#writes + 1] = set
  writes[#writes + 1] = {'SET', keys[4], argv[2]}
  writes[#writes + 1] = {'SADD', keys[5], argv[2]}
  apply(writes)
  return {'OK', argv[2], ''}
end

-- Freezes, unfreezes or closes an account. KEYS: meta, stream, account. ARGV: run, account id, state, scope, intent.
local function state(keys, argv)
  local h = head(keys[1], argv[1])
  if not h then return refuse('LEDGER_FENCED') end
  local a = read_account(keys[3])
  if not a then return refuse('ACCOUNT_NOT_FOUND') end
  local wanted = argv[3]
  if wanted ~= 'open' and wanted ~= 'frozen' and wanted ~= 'closed' then return refuse('BAD_TRANSFER', 'state') end
  if a.state == wanted then
    call('HSET', keys[3], 's', wanted)
    return {'OK', argv[2], 'known'}
  end
  if a.state == 'closed' then return refuse('ACCOUNT_CLOSED') end
  if wanted == 'closed' and (a.dp ~= a.cp or a.dq ~= 0 or a.cq ~= 0) then return refuse('ACCOUNT_NOT_EMPTY') end
  a.v = a.v + 1
  local writes = {}
  event(writes, keys[1], keys[2], h, {'op', 'state', 'r', 'OK', 's', argv[4], 'h', '', 't', argv[2], 'x', a.kind,
    'a', a.telecom, 'f', a.owner, 'l', leg_text(argv[2], '-', 0, a), 'i', argv[5], 'z', wanted .. ','})
  writes[#writes + 1] = {'HSET', keys[3], 's', wanted, 'v', int(a.v)}
  apply(writes)
  return {'OK', argv[2], ''}
end

-- The cell ------------------------------------------------------------------------------------------------

-- Tells how a key ended; where it never arrived, spends it. KEYS: meta, stream, idempotency.
-- ARGV: run, key time ms, scope, intent.
local function resolve(keys, argv)
  local h = head(keys[1], argv[1])
  if not h then return refuse('LEDGER_FENCED') end
  local known = call('HMGET', keys[3], 'r', 't', 'f')
  if known[1] then
    call('HINCRBY', keys[3], 'n', '1')
    return {known[1], known[2], known[3]}
  end
  local key_time = tonumber(argv[2])
  if key_time + KEY_RETENTION_MS < h.at then return refuse('KEY_EXPIRED') end
  if key_time > h.at + KEY_AHEAD_MS_MAX then return refuse('CLOCK_SKEW', 'key') end
  local writes = {}
  event(writes, keys[1], keys[2], h, {'op', 'resolve', 'r', 'KEY_SPENT', 's', argv[3], 'h', '', 't', '', 'x', '',
    'a', '0', 'f', '0', 'l', '', 'i', argv[4]})
  writes[#writes + 1] = {'HSET', keys[3], 'h', '', 'r', 'KEY_SPENT', 't', '', 'f', '', 'n', '0'}
  writes[#writes + 1] = {'PEXPIREAT', keys[3],
    int((key_time > h.at and key_time or h.at) + KEY_RETENTION_MS + DAY_MS)}
  apply(writes)
  return {'KEY_SPENT', '', ''}
end

-- Cuts the window: the marker belongs to the window that it closes. KEYS: meta, stream. ARGV: run, window, scope,
-- intent. Returns {'OK', seq of the marker, open window}; asked again for the window just closed, the same.
local function cut(keys, argv)
  local h = head(keys[1], argv[1])
  if not h then return refuse('LEDGER_FENCED') end
  local open_window, wanted = tonumber(h.window), tonumber(argv[2])
  if wanted == open_window - 1 and h.cut_seq then
    call('HSET', keys[1], 'cut_seq', h.cut_seq)
    return {'OK', h.cut_seq, h.window}
  end
  if wanted ~= open_window then return refuse('WINDOW_NOT_OPEN', h.window) end
  local writes = {}
  event(writes, keys[1], keys[2], h, {'op', 'cut', 'r', 'OK', 's', argv[3], 'h', '', 't', '', 'x', '', 'a', '0',
    'f', '0', 'l', '', 'i', argv[4]})
  writes[#writes + 1] = {'HSET', keys[1], 'window', int(open_window + 1), 'cut_seq', int(h.seq)}
  apply(writes)
  return {'OK', int(h.seq), int(open_window + 1)}
end

-- Puts the limit rules in force. KEYS: meta, stream, rules. ARGV: run, rules text, scope.
local function set_rules(keys, argv)
  local h = head(keys[1], argv[1])
  if not h then return refuse('LEDGER_FENCED') end
  if call('GET', keys[3]) == argv[2] then return {'OK', '', 'known'} end
  if not parse_rules(argv[2]) then return refuse('BAD_TRANSFER', 'rules') end
  local writes = {}
  event(writes, keys[1], keys[2], h, {'op', 'rules', 'r', 'OK', 's', argv[3], 'h', '', 't', '', 'x', '', 'a', '0',
    'f', '0', 'l', '', 'i', '', 'z', argv[2]})
  writes[#writes + 1] = {'SET', keys[3], argv[2]}
  apply(writes)
  return {'OK', '', ''}
end

-- Opens the cell for the server run `run`, after the gatekeeper checked it against the books. KEYS: meta, stream.
-- ARGV: run, genesis id, '1' where a cell may be founded here (the books are empty too), '1' after a promotion.
local function gate(keys, argv)
  local m = call('HMGET', keys[1], 'genesis', 'seq', 'at', 'epoch', 'window')
  local time = call('TIME')
  local clock = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local writes = {}
  if not m[1] then
    if argv[3] ~= '1' then return refuse('NO_GENESIS') end
    if call('EXISTS', keys[2]) == 1 then return refuse('NO_GENESIS', 'a stream without a head') end
    event(writes, keys[1], keys[2], {seq = 1, at = clock, epoch = '1', window = '1'}, {'op', 'genesis', 'r', 'OK',
      's', '', 'h', '', 't', argv[2], 'x', '', 'a', '0', 'f', '0', 'l', '', 'i', ''})
    writes[#writes + 1] = {'HSET', keys[1], 'genesis', argv[2], 'epoch', '1', 'window', '1', 'gate', argv[1]}
    apply(writes)
    return {'OK', '', 'founded'}
  end
  if m[1] ~= argv[2] then return refuse('WRONG_GENESIS', m[1]) end
  if argv[4] == '1' then
    local last, epoch = tonumber(m[3]), int(tonumber(m[4]) + 1)
    event(writes, keys[1], keys[2], {seq = tonumber(m[2]) + 1, at = clock > last and clock or last, epoch = epoch,
      window = m[5]}, {'op', 'promote', 'r', 'OK', 's', '', 'h', '', 't', '', 'x', '', 'a', '0', 'f', '0', 'l', '',
      'i', ''})
    writes[#writes + 1] = {'HSET', keys[1], 'epoch', epoch}
  end
  writes[#writes + 1] = {'HSET', keys[1], 'gate', argv[1]}
  apply(writes)
  return {'OK', '', ''}
end

redis.register_function('transfer_v1', transfer)
redis.register_function('open_v1', open)
redis.register_function('merchant_v1', merchant)
redis.register_function('state_v1', state)
redis.register_function('resolve_v1', resolve)
redis.register_function('cut_v1', cut)
redis.register_function('rules_v1', set_rules)
redis.register_function('gate_v1', gate)
