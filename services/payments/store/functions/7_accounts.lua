
-- Opening and changing accounts ---------------------------------------------------------------------------

local KINDS = {wallet = true, agent = true, merchant = true, org = true, fee = true, trust = true, reserve = true,
               clearing = true, settlement = true, psp = true, receivable = true, nostro = true, transit = true,
               liquidity = true, suspense = true}

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

-- Says whether the monthly limits concern a wallet: not where its holder has a merchant contract (Decree 368/2025,
-- article 15). KEYS: meta, stream, account. ARGV: run, account id, '1' or '0', scope, intent.
local function exempt(keys, argv)
  local h = head(keys[1], argv[1])
  if not h then return refuse('LEDGER_FENCED') end
  local a = read_account(keys[3])
  if not a or a.kind ~= 'wallet' then return refuse('ACCOUNT_NOT_FOUND') end
  if argv[3] ~= '1' and argv[3] ~= '0' then return refuse('BAD_TRANSFER', 'exempt') end
  if a.exempt == (argv[3] == '1') then
    call('HSET', keys[3], 'x', argv[3])
    return {'OK', argv[2], 'known'}
  end
  a.v = a.v + 1
  local writes = {}
  fact(writes, keys, h, {op = 'exempt', scope = argv[4], id = argv[2], related = a.kind, intent = argv[5],
    amount = a.telecom, fee = a.owner, legs = leg_text(argv[2], '-', 0, a), change = argv[3]})
  writes[#writes + 1] = {'HSET', keys[3], 'x', argv[3], 'v', int(a.v)}
  apply(writes)
  return {'OK', argv[2], ''}
end

-- Sets how much a telecom may owe the scheme in all windows that are not settled (its net debit cap, in đồng; '' for
-- none). It rests on what the telecom deposited. KEYS: meta, stream, settlement account, liquidity account.
-- ARGV: run, account id, cap, scope, intent.
local function cap(keys, argv)
  local h = head(keys[1], argv[1])
  if not h then return refuse('LEDGER_FENCED') end
  local a, liquidity = read_account(keys[3]), read_account(keys[4])
  if not a or a.kind ~= 'settlement' or not liquidity or liquidity.kind ~= 'liquidity' then
    return refuse('ACCOUNT_NOT_FOUND')
  end
  if a.telecom ~= liquidity.telecom then return refuse('WRONG_TELECOM') end
  local wanted = argv[3] ~= '' and digits(argv[3]) or nil
  if argv[3] ~= '' and (not wanted or wanted > TOTAL_MAX) then return refuse('AMOUNT_INVALID') end
  if wanted == a.cap then
    call('HSET', keys[3], 'v', int(a.v))  -- an answer follows a write
    return {'OK', argv[2], 'known'}
  end
  if wanted and wanted > balance(liquidity) then return refuse('NET_DEBIT_CAP_EXCEEDED', a.telecom) end
  a.v = a.v + 1
  local writes = {}
  fact(writes, keys, h, {op = 'cap', scope = argv[4], id = argv[2], related = a.kind, intent = argv[5],
    amount = a.telecom, legs = leg_text(argv[2], '-', 0, a), change = wanted and int(wanted) or ''})
  writes[#writes + 1] = wanted and {'HSET', keys[3], 'nd', int(wanted), 'v', int(a.v)}
    or {'HSET', keys[3], 'nd', '', 'v', int(a.v)}
  apply(writes)
  return {'OK', argv[2], ''}
end
