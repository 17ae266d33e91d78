
-- Ends a hold without taking it: "void" (its merchant or an operator), or "expire" (its time is over).
-- KEYS: meta, stream, hold, what the hold refers to (or meta), open holds, account of the payer, account of the payee.
-- ARGV: run, op, hold id, owner of the payee ('' for an operator or the clock), scope, intent, related id.
-- Returns {'OK', hold id, available balance of the payer}; done already, the same.
local function release(keys, argv)
  local h = head(keys[1], argv[1])
  if not h then return refuse('LEDGER_FENCED') end
  local op, id, owner = argv[2], argv[3], argv[4]
  local t = call('HMGET', keys[3], 'k', 'a', 'fr', 'to', 'at', 's', 'e', 'cl', 'x', 'rv')
  if t[1] ~= 'hold' or t[9] ~= argv[7] then return refuse('PAYMENT_NOT_FOUND') end
  local payer, payee = read_account(keys[6]), read_account(keys[7])
  if not payer or not payee or keys[6] == keys[7] then return refuse('ACCOUNT_NOT_FOUND') end
  if owner ~= '' and payee.owner ~= owner then return refuse('PAYMENT_NOT_FOUND') end
  if owner ~= '' and t[10] == '1' then return refuse('HOLD_IN_REVIEW') end
  local ended = op == 'void' and 'voided' or 'expired'
  if t[6] == ended then
    call('HSET', keys[3], 's', ended)  -- an answer follows a write
    return {'OK', id, int(balance(payer))}
  end
  if t[6] ~= 'held' then return refuse('HOLD_' .. string.upper(t[6])) end
  if op == 'expire' and h.at < tonumber(t[7]) then return refuse('WRONG_STATE', 'not expired') end
  if op ~= 'void' and op ~= 'expire' then return refuse('BAD_TRANSFER', 'op') end
  local before = nil
  if argv[7] ~= '' then
    before = call('HMGET', keys[4], 'k', 'r')
    if before[1] ~= 'top_up' then return refuse('BAD_TRANSFER', 'related') end
  end
  local amount = tonumber(t[2])
  call('ZCARD', keys[5])
  payer.dq, payer.v = payer.dq - amount, payer.v + 1
  payee.cq, payee.v = payee.cq - amount, payee.v + 1
  local set = {'HSET', keys[6], 'dq', int(payer.dq), 'v', int(payer.v)}
  if t[8] and t[8] ~= '' then
    local use = read_use(payer)
    give_back(use, t[8], amount, tonumber(t[5]), h.at)
    set[#set + 1], set[#set + 2] = 'u', use_text(use)
  end
  local writes = {}
  fact(writes, keys, h, {op = op, scope = argv[5], id = id, related = argv[7], amount = t[2], intent = argv[6],
    legs = leg_text(t[3], '-', 0, payer) .. ';' .. leg_text(t[4], '-', 0, payee)})
  writes[#writes + 1] = set
  writes[#writes + 1] = {'HSET', keys[7], 'cq', int(payee.cq), 'v', int(payee.v)}
  writes[#writes + 1] = {'HSET', keys[3], 's', ended}
  writes[#writes + 1] = {'PEXPIREAT', keys[3], int(h.at + HOT_MS)}
  if before then writes[#writes + 1] = {'HSET', keys[4], 'r', int(tonumber(before[2]) - amount)} end
  writes[#writes + 1] = {'ZREM', keys[5], id}
  apply(writes)
  return {'OK', id, int(balance(payer))}
end
