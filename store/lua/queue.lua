-- queue.lua stands between common.lua and the scripts that take leads out of their queues.

-- promoteMax bounds the work of one call.
local promoteMax = 100

-- promote moves what is due from a lane's waiting queue to those that are taken from.
local function promote(n, lane, now)
  local wait = ckey(n, 'wait:' .. lane)
  local due = redis.call('ZRANGEBYSCORE', wait, '-inf', now, 'LIMIT', 0, promoteMax)
  if #due == 0 then return end
  local raws = redis.call('HMGET', ckey(n, 'leads'), unpack(due))
  for i, id in ipairs(due) do
    if raws[i] then
      local L = parse(n, id, raws[i])
      redis.call('ZADD', ckey(n, ready(L.was.s, lane)), order(L.rec), id)
    end
  end
  redis.call('ZREM', wait, unpack(due))
end

-- give claims a lead that was just taken out of its queue and returns what the worker needs; or nothing when the queue held a
-- lead that the record does not have there, or one to be staged again: the API did not know the contact of its phone when
-- another lead was called.
local function give(n, id, token, expiry)
  local raw = redis.call('HGET', ckey(n, 'leads'), id)
  if not raw then return nil end
  local L = parse(n, id, raw)
  if not queued(L.was.s) then return nil end
  local contact = contact_of(L.rec.p)
  if not contact and L.was.s ~= 'new' then
    L.rec.s = 'new'
    save(L)
    return nil
  end
  claim(n, id, token, expiry)
  return raw, contact or ''
end
