
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
  if call('GET', keys[3]) == argv[2] then
    call('SET', keys[3], argv[2])  -- an answer follows a write
    return {'OK', '', 'known'}
  end
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
  local m = call('HMGET', keys[1], 'genesis', 'seq', 'at', 'epoch', 'window', 'layout')
  local time = call('TIME')
  local clock = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local writes = {}
  if not m[1] then
    if argv[3] ~= '1' then return refuse('NO_GENESIS') end
    if call('EXISTS', keys[2]) == 1 then return refuse('NO_GENESIS', 'a stream without a head') end
    event(writes, keys[1], keys[2], {seq = 1, at = clock, epoch = '1', window = '1'}, {'op', 'genesis', 'r', 'OK',
      's', '', 'h', '', 't', argv[2], 'x', '', 'a', '0', 'f', '0', 'l', '', 'i', ''})
    writes[#writes + 1] = {'HSET', keys[1], 'genesis', argv[2], 'epoch', '1', 'window', '1', 'gate', argv[1],
      'layout', LAYOUT}
    apply(writes)
    return {'OK', '', 'founded'}
  end
  if m[1] ~= argv[2] then return refuse('WRONG_GENESIS', m[1]) end
  if m[6] ~= LAYOUT then return refuse('WRONG_LAYOUT', m[6] or '1') end
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

redis.register_function('transfer_v3', transfer)
redis.register_function('release_v3', release)
redis.register_function('request_v3', request)
redis.register_function('withdraw_v3', withdraw)
redis.register_function('code_v3', code)
redis.register_function('cancel_code_v3', cancel_code)
redis.register_function('propose_v3', propose)
redis.register_function('decline_v3', decline)
redis.register_function('open_v3', open)
redis.register_function('merchant_v3', merchant)
redis.register_function('state_v3', state)
redis.register_function('exempt_v3', exempt)
redis.register_function('cap_v3', cap)
redis.register_function('resolve_v3', resolve)
redis.register_function('cut_v3', cut)
redis.register_function('rules_v3', set_rules)
redis.register_function('gate_v3', gate)
