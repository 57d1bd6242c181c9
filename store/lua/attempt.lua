-- attempt.lua stands between common.lua and the scripts that change attempts. An attempt's id is "N.LEAD.k".

-- find returns an attempt with its lead, or nothing.
local function find(id)
  local n, name, k = string.match(id, '^(%d+)%.([^.]+)%.(%d+)$')
  if not n then return nil end
  local L = lead(n, name)
  if not L then return nil end
  k = tonumber(k)
  for _, a in ipairs(L.rec.a or {}) do
    if a.n == k then return L, a end
  end
  return nil
end

local function attempt_state(a) return a.s or 'settled' end

-- turn moves an attempt to another state in the counters.
local function turn(n, a, s)
  count(n, 'a:' .. attempt_state(a), -1)
  count(n, 'a:' .. s, 1)
  a.s = s
  if s == 'settled' then a.s = nil end
end

-- flight counts calls under way: of the campaign, the team and the agent.
local function flight(n, agent, by)
  count(n, 'inflight', by)
  tally(key('flight'), 'team', by)
  tally(key('flight'), 'agent:' .. agent, by)
end

-- count_call counts a call for the day that it began on: the campaign's, its agent's and the team's, each in its own zone.
local function count_call(n, a, by)
  count(n, 'calls', by)
  count(n, 'day:' .. int(a.d), by)
  tally(key('days'), 'agent:' .. a.i .. ':' .. int(a.d), by)
  tally(key('days'), 'team:' .. int(a.j or a.d), by)
end

-- ring remembers of a phone that an attempt rang it.
local function ring(h, a)
  h.t = h.t or {}
  h.t[#h.t + 1] = math.floor(a.t / 1000)
  table.sort(h.t)
end

-- occupy writes an attempt that is open from now on, and all that it occupies. land ends that.
local function occupy(L, a, id, h)
  local n, rec = L.n, L.rec
  local attempts = rec.a or {}
  attempts[#attempts + 1] = a
  rec.a, rec.s, rec.r, rec.t = attempts, 'calling', nil, nil
  save(L)
  ring(h, a)
  h.o = id
  save_history(rec.p, h)
  redis.call('ZADD', key('sending'), int(a.e), id)
  redis.call('HSET', key('contactopen'), h.i, id)
  flight(n, a.i, 1)
  count(n, 'a:sending', 1)
  count_call(n, a, 1)
  if a.b then count(n, 'sec:reserved', a.b) end
end

-- land ends what an attempt occupies while it is open. The caller saves the history.
-- returns the contact of the lead's phone, if it has one
local function land(L, a, id, h)
  local s = attempt_state(a)
  if s ~= 'accepted' then redis.call('ZREM', key('sending'), id) end
  if s ~= 'sending' then redis.call('ZREM', key('open'), id) end
  if not a.u then flight(L.n, a.i, -1) end
  if h.o == id then h.o = nil end
  local contact = h.i
  if contact and redis.call('HGET', key('contactopen'), contact) == id then
    redis.call('HDEL', key('contactopen'), contact)
  end
  if a.b then count(L.n, 'sec:reserved', -a.b) end
  a.b, a.e, a.o, a.u = nil, nil, nil, nil
  return contact
end

-- doubt makes an attempt one that may have rung. It stays in the index of those sending until the sweep: its request may
-- still be on the wire.
local function doubt(L, a, id, cause, look)
  turn(L.n, a, 'unknown')
  a.e, a.o = nil, nil
  if cause ~= '' then a.w = cause end
  redis.call('ZADD', key('open'), look, id)
  save(L)
  record('unknown', { n = L.n, l = L.id, p = L.rec.p, a = id, i = a.i, m = cause })
end

-- say_word keeps the API's own word for how a call goes, or ended. odd 1: nobody knows that word, so it is counted and shown.
local function say_word(L, a, said, odd)
  if a.x then count(L.n, 'w:' .. a.w, -1) end
  a.w, a.x = said, odd
  if odd then count(L.n, 'w:' .. said, 1) end
end

-- name_call remembers which attempt a call of the API belongs to: with HSET where the API itself said so, with HSETNX where
-- it was inferred. A settled attempt's own record is left alone.
local function name_call(a, id, call, set)
  if call == '' then return end
  if not a.c and a.s then a.c = call end
  redis.call(set, key('calls'), call, id)
end
