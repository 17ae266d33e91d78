
-- Accounts ------------------------------------------------------------------------------------------------

local ACCOUNT_FIELDS = {'k', 's', 't', 'o', 'dp', 'cp', 'dq', 'cq', 'v', 'x', 'cc', 'u', 'nd'}

local function read_account(key)
  local a = call('HMGET', key, unpack(ACCOUNT_FIELDS))
  if not a[1] then return nil end
  return {
    kind = a[1], state = a[2], telecom = a[3], owner = a[4],
    dp = tonumber(a[5]), cp = tonumber(a[6]), dq = tonumber(a[7]), cq = tonumber(a[8]), v = tonumber(a[9]),
    exempt = a[10] == '1', category = a[11], use_text = a[12], cap = a[13] and tonumber(a[13]),
  }
end

local function leg_text(id, side, amount, a)
  return string.format('%s,%s,%d,%d,%d,%d,%d,%d', id, side, amount, a.dp, a.cp, a.dq, a.cq, a.v)
end

-- What may stand on either side: positions between institutions, card money on its way, the scheme's bank account (a
-- bank books in its own order), and what is not explained yet.
local EITHER = {clearing = true, settlement = true, psp = true, nostro = true, suspense = true}
local ASSETS = {trust = true, receivable = true}

-- What debits more than it has: assets may be credited only as far as they were debited, everything else debited
-- only as far as it was credited. Pending amounts count as gone.
local function overdrawn(a)
  if EITHER[a.kind] then return false end
  if ASSETS[a.kind] then return a.cp + a.cq > a.dp end
  return a.dp + a.dq > a.cp
end

local function balance(a) return a.cp - a.dp - a.dq end
