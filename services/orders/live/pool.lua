-- A live sale's lots, in one Valkey: how many are left, who has claimed which, whose claim is no order yet.
-- Each operation reads and checks everything, then only writes. Integers leave Lua by '%d'.
--
-- KEYS: head, claims, people, todo (one hash tag: pool.py names them).
--   head    hash: opens, closes (Unix ms), within (ms), closed, sealed ('1' or none), seq, ver, live (claims that are
--           neither paid nor given back), l:<product> lots left, n:<product> lots in all, c:<product> cap a person
--   claims  hash by order id: 'state|number|product|lots|buyer|until ms|at ms|fingerprint', state H(eld), K(ept), G(iven
--           back)
--   people  hash: h:<buyer>:<product> lots that a buyer has, n:<buyer> how many claims that buyer ever made
--   todo    sorted set by number: what makes an order of a claim
-- ARGV[1] names the operation.
local head, claims, people, todo = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local op = ARGV[1]

local function int(n) return string.format('%d', n) end

local function now_ms()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

local function read(text)
  if not text then return nil end
  local s, n, p, lots, b, u, a, f = string.match(text, '^(%u)|(%d+)|([^|]*)|(%d+)|([^|]*)|(%d+)|(%d+)|([^|]*)$')
  return {state = s, number = n, product = p, lots = tonumber(lots), buyer = b, until_ms = u, at = a, print = f}
end

local function write(id, c)
  local text = table.concat({c.state, c.number, c.product, int(c.lots), c.buyer, c.until_ms, c.at, c.print}, '|')
  redis.call('HSET', claims, id, text)
end

-- The counter has changed: its version is a time, so that one that was rebuilt goes on above the one that was lost. In
-- µs: in ms, three changes in one ms were ahead of the clock, and the rebuilt one told nobody anything.
local function turn()
  local t = redis.call('TIME')
  local before = tonumber(redis.call('HGET', head, 'ver') or '0')
  redis.call('HSET', head, 'ver', int(math.max(tonumber(t[1]) * 1000000 + tonumber(t[2]), before + 1)))
end

local function add(product, buyer, lots)
  redis.call('HINCRBY', head, 'l:' .. product, int(-lots))
  redis.call('HINCRBY', people, 'h:' .. buyer .. ':' .. product, int(lots))
end

if op == 'load' then
  -- ARGV: 2 opens, 3 closes, 4 within, 5 closed ('' or '1'), 6 lines, 7 claims; then product, lots, cap a line; then
  -- id, state, product, lots, buyer, until, at, fingerprint a claim.
  if redis.call('EXISTS', head) == 1 then return {'KNOWN'} end
  local lines, known, at = tonumber(ARGV[6]), tonumber(ARGV[7]), 8
  redis.call('DEL', claims, people, todo)
  redis.call('HSET', head, 'opens', ARGV[2], 'closes', ARGV[3], 'within', ARGV[4], 'seq', int(known))
  if ARGV[5] == '1' then redis.call('HSET', head, 'closed', '1') end
  for _ = 1, lines do
    local product = ARGV[at]
    redis.call('HSET', head, 'l:' .. product, ARGV[at + 1], 'n:' .. product, ARGV[at + 1], 'c:' .. product, ARGV[at + 2])
    at = at + 3
  end
  local live = 0
  for number = 1, known do
    local c = {
      state = ARGV[at + 1], number = int(number), product = ARGV[at + 2], lots = tonumber(ARGV[at + 3]),
      buyer = ARGV[at + 4], until_ms = ARGV[at + 5], at = ARGV[at + 6], print = ARGV[at + 7],
    }
    write(ARGV[at], c)
    redis.call('HINCRBY', people, 'n:' .. c.buyer, '1')
    if c.state ~= 'G' then add(c.product, c.buyer, c.lots) end
    if c.state == 'H' then live = live + 1 end
    at = at + 8
  end
  redis.call('HSET', head, 'live', int(live))
  turn()
  return {'OK'}
end

local seq = redis.call('HGET', head, 'seq')
if not seq then return {'ABSENT'} end
local sealed = redis.call('HGET', head, 'sealed') == '1'

if op == 'claim' then
  -- ARGV: 2 order id, 3 buyer, 4 product, 5 lots, 6 fingerprint, 7 what makes an order of it, 8 claims a person
  local id, buyer, product, lots = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
  local before = read(redis.call('HGET', claims, id))
  if before then
    if before.print ~= '' and before.print ~= ARGV[6] then return {'CONFLICT'} end
    return {'OK', redis.call('HGET', claims, id)}
  end
  local f = redis.call('HMGET', head, 'opens', 'closes', 'within', 'closed', 'l:' .. product, 'c:' .. product)
  local now = now_ms()
  if now < tonumber(f[1]) then return {'EARLY', f[1]} end
  if f[4] == '1' or now >= tonumber(f[2]) then return {'OVER'} end
  if not f[5] then return {'NO_PRODUCT'} end
  local has = tonumber(redis.call('HGET', people, 'h:' .. buyer .. ':' .. product) or '0')
  local made = tonumber(redis.call('HGET', people, 'n:' .. buyer) or '0')
  if has + lots > tonumber(f[6]) then return {'CAP', f[6], int(has)} end
  if made >= tonumber(ARGV[8]) then return {'OFTEN'} end
  if tonumber(f[5]) < lots then return {'SOLD_OUT', f[5]} end
  local number = int(tonumber(seq) + 1)
  redis.call('HSET', head, 'seq', number)
  write(id, {
    state = 'H', number = number, product = product, lots = lots, buyer = buyer,
    until_ms = int(now + tonumber(f[3])), at = int(now), print = ARGV[6],
  })
  add(product, buyer, lots)
  redis.call('HINCRBY', people, 'n:' .. buyer, '1')
  redis.call('HINCRBY', head, 'live', '1')
  redis.call('ZADD', todo, number, ARGV[7])
  turn()
  return {'OK', redis.call('HGET', claims, id)}
end

if op == 'keep' then
  -- Its order is paid. ARGV: 2 order id, 3 buyer, 4 product, 5 lots
  local id, buyer, product, lots = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
  local c = read(redis.call('HGET', claims, id))
  if c and c.state == 'K' then return {'OK'} end
  if sealed then return {'OVER'} end
  if c and c.state == 'H' then
    c.state = 'K'
    write(id, c)
    redis.call('HINCRBY', head, 'live', '-1')
    return {'OK'}
  end
  -- Paid too late, or unknown to a counter that was rebuilt without it: there may still be some.
  local f = redis.call('HMGET', head, 'l:' .. product, 'c:' .. product)
  if not f[1] or tonumber(f[1]) < lots then return {'SOLD_OUT', f[1] or '0'} end
  local has = tonumber(redis.call('HGET', people, 'h:' .. buyer .. ':' .. product) or '0')
  if has + lots > tonumber(f[2]) then return {'CAP', f[2], int(has)} end
  local number, at = int(tonumber(seq) + 1), int(now_ms())
  if c then number, at = c.number, c.at else redis.call('HSET', head, 'seq', number) end
  write(id, {
    state = 'K', number = number, product = product, lots = lots, buyer = buyer, until_ms = c and c.until_ms or at,
    at = at, print = c and c.print or '',
  })
  add(product, buyer, lots)
  turn()
  return {'OK'}
end

if op == 'give_back' then
  -- Its order is over. ARGV: 2 order id
  local c = read(redis.call('HGET', claims, ARGV[2]))
  if not c or c.state == 'G' then return {'OK'} end
  if sealed then return {'OVER'} end
  if c.state == 'H' then redis.call('HINCRBY', head, 'live', '-1') end
  c.state = 'G'
  write(ARGV[2], c)
  add(c.product, c.buyer, -c.lots)
  turn()
  return {'OK'}
end

if op == 'close' then
  if redis.call('HGET', head, 'closed') ~= '1' then
    redis.call('HSET', head, 'closed', '1')
    turn()
  end
  return {'OK'}
end

if op == 'seal' then
  -- Closed, and every claim an order that is paid or over: from here on nothing changes. The kept orders, then.
  if redis.call('HGET', head, 'closed') ~= '1' then return {'OPEN'} end
  if redis.call('HGET', head, 'live') ~= '0' or redis.call('ZCARD', todo) > 0 then return {'WAIT'} end
  local kept = {'OK'}
  local all = redis.call('HGETALL', claims)
  for i = 1, #all, 2 do
    local c = read(all[i + 1])
    if c.state == 'K' then
      kept[#kept + 1] = all[i]
      kept[#kept + 1] = c.product
      kept[#kept + 1] = int(c.lots)
    end
  end
  redis.call('HSET', head, 'sealed', '1')
  return kept
end

return {'NO_OP'}
