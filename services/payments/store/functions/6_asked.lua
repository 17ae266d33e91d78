
-- What is asked for before money moves: requests, codes, proposals -----------------------------------------

local REQUEST_MS_MAX = 90 * DAY_MS
local CODE_MS_MAX = 600000
local PROPOSAL_MS_MAX = 7 * DAY_MS

-- A merchant asks for an amount under a reference. KEYS: meta, stream, request, merchant's account.
-- ARGV: run, merchant, owner ('' for a service), reference, amount, expires ms, scope, intent.
-- The same again is answered the same; another amount under the same reference is refused.
local function request(keys, argv)
  local h = head(keys[1], argv[1])
  if not h then return refuse('LEDGER_FENCED') end
  local amount, expires = dong(argv[5]), digits(argv[6])
  if not amount then return refuse('AMOUNT_INVALID') end
  local m = read_account(keys[4])
  if not m or m.kind ~= 'merchant' or (argv[3] ~= '' and m.owner ~= argv[3]) then return refuse('MERCHANT_NOT_FOUND') end
  local r = call('HMGET', keys[3], 's', 'a', 'e')
  if r[1] then
    if tonumber(r[2]) ~= amount then return refuse('ALREADY_EXISTS', argv[4]) end
    call('HSET', keys[3], 'a', r[2])  -- an answer follows a write
    return {'OK', argv[4], r[1] .. '|' .. r[3]}
  end
  if not expires or expires <= h.at or expires > h.at + REQUEST_MS_MAX then return refuse('TOO_LATE', 'expiry') end
  if m.state ~= 'open' then return refuse('MERCHANT_NOT_PAYABLE') end
  local writes = {}
  fact(writes, keys, h, {op = 'request', scope = argv[7], id = argv[2], related = argv[4], amount = argv[5],
    intent = argv[8], change = int(expires)})
  writes[#writes + 1] = {'HSET', keys[3], 's', 'open', 'a', argv[5], 'e', int(expires), 'p', '0', 'at', int(h.at)}
  writes[#writes + 1] = {'PEXPIREAT', keys[3], int(expires + KEPT_MS)}
  apply(writes)
  return {'OK', argv[4], 'open|' .. int(expires)}
end

-- Withdraws a request. KEYS: meta, stream, request, merchant's account. ARGV: run, merchant, owner, reference, scope,
-- intent.
local function withdraw(keys, argv)
  local h = head(keys[1], argv[1])
  if not h then return refuse('LEDGER_FENCED') end
  local m = read_account(keys[4])
  if not m or m.kind ~= 'merchant' or (argv[3] ~= '' and m.owner ~= argv[3]) then return refuse('MERCHANT_NOT_FOUND') end
  local r = call('HMGET', keys[3], 's', 'e')
  if not r[1] then return refuse('REQUEST_NOT_FOUND') end
  if r[1] == 'paid' then return refuse('REQUEST_PAID') end
  if r[1] == 'cancelled' then
    call('HSET', keys[3], 's', 'cancelled')
    return {'OK', argv[4], 'cancelled|' .. r[2]}
  end
  local writes = {}
  fact(writes, keys, h, {op = 'withdraw', scope = argv[5], id = argv[2], related = argv[4], intent = argv[6]})
  writes[#writes + 1] = {'HSET', keys[3], 's', 'cancelled'}
  apply(writes)
  return {'OK', argv[4], 'cancelled|' .. r[2]}
end

-- A payer makes a one-time code. KEYS: meta, stream, code, wallet. ARGV: run, the code's digest, wallet, owner, ceiling,
-- expires ms, scope, intent.
local function code(keys, argv)
  local h = head(keys[1], argv[1])
  if not h then return refuse('LEDGER_FENCED') end
  local ceiling, expires = dong(argv[5]), digits(argv[6])
  if not ceiling then return refuse('AMOUNT_INVALID') end
  local w = read_account(keys[4])
  if not w or w.kind ~= 'wallet' or w.owner ~= argv[4] then return refuse('ACCOUNT_NOT_FOUND') end
  if not expires or expires <= h.at or expires > h.at + CODE_MS_MAX then return refuse('TOO_LATE', 'expiry') end
  if call('HLEN', keys[3]) > 0 then return refuse('CONTENTION', 'code') end
  if w.state ~= 'open' then return refuse(w.state == 'frozen' and 'ACCOUNT_FROZEN' or 'ACCOUNT_CLOSED') end
  local writes = {}
  fact(writes, keys, h, {op = 'code', scope = argv[7], id = argv[3], related = argv[2], amount = argv[5],
    intent = argv[8], change = int(expires)})
  writes[#writes + 1] = {'HSET', keys[3], 's', 'active', 'w', argv[3], 'c', argv[5], 'e', int(expires)}
  writes[#writes + 1] = {'PEXPIREAT', keys[3], int(expires + DAY_MS)}
  apply(writes)
  return {'OK', argv[2], int(expires)}
end

-- Takes a code back. KEYS: meta, stream, code, wallet. ARGV: run, the code's digest, wallet, owner, scope, intent.
local function cancel_code(keys, argv)
  local h = head(keys[1], argv[1])
  if not h then return refuse('LEDGER_FENCED') end
  local w = read_account(keys[4])
  local c = call('HMGET', keys[3], 's', 'w')
  if not w or w.owner ~= argv[4] or c[2] ~= argv[3] then return refuse('CODE_INVALID') end
  if c[1] == 'used' then return refuse('CODE_USED') end
  if c[1] == 'cancelled' then
    call('HSET', keys[3], 's', 'cancelled')
    return {'OK', argv[2], 'known'}
  end
  local writes = {}
  fact(writes, keys, h, {op = 'cancel_code', scope = argv[5], id = argv[3], related = argv[2], intent = argv[6]})
  writes[#writes + 1] = {'HSET', keys[3], 's', 'cancelled'}
  apply(writes)
  return {'OK', argv[2], ''}
end

-- Somebody proposes what a second person must approve. KEYS: meta, stream, proposal, open proposals.
-- ARGV: run, proposal id, op, target transfer, who, expires ms, reason, scope, intent.
local function propose(keys, argv)
  local h = head(keys[1], argv[1])
  if not h then return refuse('LEDGER_FENCED') end
  local expires = digits(argv[6])
  if not expires or expires <= h.at or expires > h.at + PROPOSAL_MS_MAX then return refuse('TOO_LATE', 'expiry') end
  if argv[5] == '' then return refuse('FOUR_EYES') end
  local known = call('HMGET', keys[3], 'k', 't', 'by')
  if known[1] then
    if known[1] ~= argv[3] or known[2] ~= argv[4] or known[3] ~= argv[5] then return refuse('ALREADY_EXISTS') end
    call('HSET', keys[3], 'k', known[1])
    return {'OK', argv[2], 'known'}
  end
  if call('ZCARD', keys[4]) >= DUE_MAX then return refuse('TOO_MANY_OPEN') end
  local writes = {}
  fact(writes, keys, h, {op = 'propose', scope = argv[8], id = argv[2], related = argv[4], intent = argv[9],
    change = argv[3]})
  writes[#writes + 1] = {'HSET', keys[3], 'id', argv[2], 's', 'proposed', 'k', argv[3], 't', argv[4], 'by', argv[5],
    'e', int(expires), 'n', argv[7], 'at', int(h.at)}
  writes[#writes + 1] = {'ZADD', keys[4], int(expires), argv[2]}
  apply(writes)
  return {'OK', argv[2], ''}
end

-- Ends a proposal without doing it: "rejected" (by anybody who may decide, its proposer too) or "expired".
-- KEYS: meta, stream, proposal, open proposals. ARGV: run, proposal id, state, who, scope, intent.
local function decline(keys, argv)
  local h = head(keys[1], argv[1])
  if not h then return refuse('LEDGER_FENCED') end
  local p = call('HMGET', keys[3], 's', 'e', 't')
  if not p[1] then return refuse('PAYMENT_NOT_FOUND', 'proposal') end
  if argv[3] ~= 'rejected' and argv[3] ~= 'expired' then return refuse('BAD_TRANSFER', 'state') end
  if p[1] == argv[3] then
    call('HSET', keys[3], 's', p[1])
    return {'OK', argv[2], 'known'}
  end
  if p[1] ~= 'proposed' then return refuse('WRONG_STATE', p[1]) end
  if argv[3] == 'expired' and h.at < tonumber(p[2]) then return refuse('WRONG_STATE', 'not expired') end
  call('ZCARD', keys[4])
  local writes = {}
  fact(writes, keys, h, {op = 'decline', scope = argv[5], id = argv[2], related = p[3], intent = argv[6],
    change = argv[3]})
  writes[#writes + 1] = {'HSET', keys[3], 's', argv[3], 'd', argv[4]}
  writes[#writes + 1] = {'PEXPIREAT', keys[3], int(h.at + KEPT_MS)}
  writes[#writes + 1] = {'ZREM', keys[4], argv[2]}
  apply(writes)
  return {'OK', argv[2], ''}
end
