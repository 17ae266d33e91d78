#!lua name=cho_ledger_v3
-- The ledger: every movement of money is one call of one function here, atomic and serial.
--
-- A function reads and checks everything first, plans its writes as a list, and only then applies them:
-- an error between two writes would leave the first one standing, across restarts too. Whatever can fail
-- has failed before `apply` starts, and `apply` runs commands whose keys were read (so their types are known)
-- and whose arguments are strings. XADD goes first: it alone could refuse (an id that is not above the last one).
--
-- Numbers arrive as text matching ^[1-9][0-9]*$ and leave by %d: Lua's own conversion loses digits from 10^14.
-- Functions are never replaced: a change is a new library with functions _v4, and callers name the version.
-- The files of this folder are one library, in the order of their names.

local function call(...) return redis.call(...) end  -- redis.call does not exist yet while a library loads

local LAYOUT = '2'                        -- how keys and fields are laid out; a cell is founded with one and keeps it
local AMOUNT_MAX = 1000000000000          -- 10^12 đồng
local TOTAL_MAX = 9007199254740991        -- 2^53 - 1: the largest integer that a double counts to
local LEGS_MAX = 16
local SKEW_MS_MAX = 5000
local DAY_MS = 86400000
local KEY_RETENTION_MS = 7 * DAY_MS       -- keys older than this are refused; younger ones are all remembered
local KEY_AHEAD_MS_MAX = DAY_MS
-- A transfer stays hot so long after its last change, and what is open until it ends; the books keep all.
local HOT_MS = 40 * DAY_MS
local HOT_CARD_MS = 400 * DAY_MS          -- cards: disputes come months later
local HISTORY_MAX = 50
local VIETNAM_MS = 7 * 3600000            -- Asia/Ho_Chi_Minh has no summer time
local HOLD_MS_MAX = 30 * DAY_MS
local KEPT_MS = 7 * DAY_MS                -- how long an ended request, code or proposal still answers why
local REVIEW_MS = DAY_MS                  -- a payment held by a velocity rule waits so long for an operator
local DUE_MAX = 1000000                   -- open holds, and as many proposals

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

-- An event of what is not a transfer. `e`: op, scope, id, related, amount, extra (see kit/ledger_event.py).
local function fact(writes, keys, h, e)
  event(writes, keys[1], keys[2], h, {'op', e.op, 'r', e.result or 'OK', 's', e.scope, 'h', '', 't', e.id or '',
    'x', e.related or '', 'a', e.amount or '0', 'f', e.fee or '0', 'l', e.legs or '', 'i', e.intent or '',
    'z', e.change or ''})
end

local function digits(text) return string.find(text, '^%d+$') and tonumber(text) or nil end

-- A positive whole number of đồng, or nil.
local function dong(text)
  local amount = string.find(text, '^[1-9][0-9]*$') and tonumber(text)
  return amount and amount <= AMOUNT_MAX and amount or nil
end
