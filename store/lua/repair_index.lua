-- repair_index.lua takes an entry out of an index when no record accounts for it. The id of a call that is over gets an age instead, after
-- which it is forgotten: a late event may still name it.
--
-- KEYS  1 the team's hash
-- ARGV  1 sending, open, follows, contactopen, callsage, calls or keyed   2 its member: an attempt, a contact, a call, or "N.lead" of keyed
--       3 who   4 phone, of keyed; now ms, of calls
-- returns ok, 1 when it was taken out, or given its age, else 0
local index, member = ARGV[1], ARGV[2]

-- attempt finds one whose record can be read.
local function attempt(id)
  local readable, L, a = pcall(find, id)
  if readable and L then return L, attempt_state(a) end
  return nil, nil
end

local function gone()
  if index == 'sending' then
    local _, s = attempt(member)
    return s ~= 'sending' and s ~= 'unknown' and redis.call('ZREM', key(index), member)
  elseif index == 'open' then
    local _, s = attempt(member)
    return s ~= 'accepted' and s ~= 'unknown' and redis.call('ZREM', key(index), member)
  elseif index == 'follows' then
    local _, s = attempt(member)
    return s ~= 'settled' and redis.call('ZREM', key(index), member)
  elseif index == 'callsage' then
    return redis.call('HEXISTS', key('calls'), member) == 0 and redis.call('ZREM', key(index), member)
  elseif index == 'calls' then
    local id = redis.call('HGET', key(index), member)
    local _, s = attempt(id or '')
    local under_way = s and s ~= 'settled' and s ~= 'refused'
    return id and not under_way and redis.call('ZADD', key('callsage'), 'NX', ARGV[4], member)
  elseif index == 'contactopen' then
    local L, s = attempt(redis.call('HGET', key(index), member) or '')
    local accounted = L and s ~= 'settled' and s ~= 'refused' and contact_of(L.rec.p) == member
    return not accounted and redis.call('HDEL', key(index), member)
  end
  local n, id = string.match(member, '^(%d+)%.(.+)$')
  local readable, L = pcall(lead, n or '', id or '')
  if readable and L and L.rec.k and L.rec.p == ARGV[4] then return 0 end
  unindex_phone(ARGV[4], member)
  return 1
end

local taken = gone() or 0
if taken == 1 then
  local what = index == 'calls' and 'the id of a call that would never have been forgotten: ' or 'an entry of the index ' .. index .. ' that no record accounts for: '
  record('repair', { p = index == 'keyed' and ARGV[4] or nil, m = what .. member, b = ARGV[3] })
end
return { 'ok', int(taken) }
