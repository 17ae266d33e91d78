
-- Limits --------------------------------------------------------------------------------------------------

local rules_text, rules, essential = nil, {}, {}

local SCOPES = {tx = true, day = true, month = true, minute = true, small = true, device = true, age = true}
local VELOCITY = {minute = true, small = true, device = true}
local ACTIONS = {refuse = true, hold = true}
-- What is counted: payments, payments of essential services (a quota of their own), transfers, cash taken out.
local CLASSES = {'pay', 'bill', 'transfer', 'cash_out'}
local MINUTE_MS, HOUR_MS = 60000, 3600000

-- Rules are one string: essential=mcc+mcc;id,from_ms,until_ms,scope,ops,max,arg,action;...
-- Nil where one of them is not understood.
local function parse_rules(text)
  local parsed, categories = {}, {}
  for part in string.gmatch(text, '[^;]+') do
    local list = string.match(part, '^essential=([%d+]*)$')
    if list then
      for category in string.gmatch(list, '%d+') do categories[category] = true end
    else
      local id, from, till, scope, ops, max, arg, action =
        string.match(part, '^([^,]+),(%d+),(%d+),(%a+),([%a_+]+),(%d+),(%d+),(%a+)$')
      if not id or not SCOPES[scope] or not ACTIONS[action] then return nil end
      local rule = {id = id, from = tonumber(from), till = tonumber(till), scope = scope, ops = {}, max = tonumber(max),
        arg = tonumber(arg), holds = action == 'hold'}
      for op in string.gmatch(ops, '[%a_]+') do rule.ops[op] = true end
      parsed[#parsed + 1] = rule
    end
  end
  return parsed, categories
end

-- Parsed when they change. What is in force was understood when it was put there.
local function load_rules(text)
  if text ~= rules_text then
    rules, essential = parse_rules(text)
    rules_text = text
  end
end

-- What a wallet has used: month, used in it by class; day, used in it by class; minute, count; hour, small ones.
local USE = '^(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)$'

local function read_use(a)
  local u = a.use_text and {string.match(a.use_text, USE)} or {}
  local function n(i) return tonumber(u[i] or '0') end
  return {
    month = n(1), m = {pay = n(2), bill = n(3), transfer = n(4), cash_out = n(5)},
    day = n(6), d = {pay = n(7), bill = n(8), transfer = n(9), cash_out = n(10)},
    minute = n(11), count = n(12), hour = n(13), small = n(14),
  }
end

local function use_text(u)
  return string.format('%d|%d|%d|%d|%d|%d|%d|%d|%d|%d|%d|%d|%d|%d', u.month, u.m.pay, u.m.bill, u.m.transfer,
    u.m.cash_out, u.day, u.d.pay, u.d.bill, u.d.transfer, u.d.cash_out, u.minute, u.count, u.hour, u.small)
end

local function roll(u, at)
  local month, day = calendar(at)
  local minute, hour = math.floor(at / MINUTE_MS), math.floor(at / HOUR_MS)
  if u.month ~= month then u.month, u.m = month, {pay = 0, bill = 0, transfer = 0, cash_out = 0} end
  if u.day ~= day then u.day, u.d = day, {pay = 0, bill = 0, transfer = 0, cash_out = 0} end
  if u.minute ~= minute then u.minute, u.count = minute, 0 end
  if u.hour ~= hour then u.hour, u.small = hour, 0 end
end

local function summed(rule, used)
  local sum = 0
  for i = 1, #CLASSES do
    if rule.ops[CLASSES[i]] then sum = sum + used[CLASSES[i]] end
  end
  return sum
end

-- Whether `rule` is broken by this amount of `class`, which `u` counts already.
local function breaks(rule, u, class, amount, at, device_at)
  if at < rule.from or at >= rule.till or not rule.ops[class] then return false end
  if rule.scope == 'tx' then return amount > rule.max end
  if rule.scope == 'day' then return summed(rule, u.d) > rule.max end
  if rule.scope == 'month' then return summed(rule, u.m) > rule.max end
  if rule.scope == 'minute' then return u.count > rule.max end
  if rule.scope == 'device' then return device_at and at - device_at < rule.arg and amount > rule.max end
  return false
end

-- Counts `amount` of `class`; the first broken rule, limits of law before velocity, or nil.
local function use_limits(u, exempt, class, amount, at, device_at)
  roll(u, at)
  u.m[class], u.d[class] = u.m[class] + amount, u.d[class] + amount
  u.count = u.count + 1
  local held, small_counted = nil, false
  for i = 1, #rules do
    local rule = rules[i]
    local broken
    if rule.scope == 'small' then
      if at >= rule.from and at < rule.till and rule.ops[class] and amount <= rule.arg then
        if not small_counted then u.small, small_counted = u.small + 1, true end
        broken = u.small > rule.max
      end
    elseif not (exempt and not VELOCITY[rule.scope] and rule.scope ~= 'tx') then
      broken = breaks(rule, u, class, amount, at, device_at)
    end
    if broken and not rule.holds then return rule end
    if broken then held = held or rule end
  end
  return held
end

-- Gives back what a hold used and did not take, as long as its month and day last.
local function give_back(u, class, amount, then_at, at)
  roll(u, at)
  local month, day = calendar(then_at)
  if u.month == month then u.m[class] = math.max(0, u.m[class] - amount) end
  if u.day == day then u.d[class] = math.max(0, u.d[class] - amount) end
end

-- How old a payment may be that is refunded now, ms; nil where no rule says.
local function age_max(op, at)
  for i = 1, #rules do
    local rule = rules[i]
    if rule.scope == 'age' and rule.ops[op] and at >= rule.from and at < rule.till then return rule.max end
  end
  return nil
end
