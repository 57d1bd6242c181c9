-- begin.lua begins an attempt: the last look at everything that may forbid the call, and the record that it may now ring, in one
-- step. Nothing else ever writes an attempt.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 campaign   3 lead   4 token of the claim
--       5 the request as JSON: k attempt number, i agent, now ms, e deadline ms, epoch team's, cepoch campaign's, caps [{n, w s, r
--         reason}], gap s, margin s, life, max in flight: c campaign, t team, a agent, day YYYYMMDD, perday, reserve s, seconds budget.
--         quiet [{w s, r reason, x 1: after a no}] pauses after a conversation, tday the team's day, tperday, aperday the agent's calls.
--         A limit that is absent is none. backlog entries not yet archived, from which on nothing begins
--       6 the decision as JSON, for the record, or ""
-- returns ok or again (this token had begun it already), attempt id;
--         or no, reason, until ms or "" (the claim stays: the caller says what becomes of the lead);
--         or gone, missing, fenced, conflict want got
local n, name, id, token, q = ARGV[1], ARGV[2], ARGV[3], ARGV[4], cjson.decode(ARGV[5])
if not known(n, name) then return { 'gone' } end
local L = lead(n, id)
if not L then return { 'missing' } end
local rec = L.rec
local attempts = rec.a or {}
local last = attempts[#attempts]
local attempt = n .. '.' .. id .. '.' .. int(q.k)

-- The reply to the first run of this very request may have been lost.
if last and last.s == 'sending' and last.n == q.k and last.o == token then return { 'again', attempt } end
if not holds(n, id, token) then return { 'fenced' } end
L.mine = true
local s = state(L)
if s ~= 'staged' and s ~= 'waiting' then return { 'conflict', 'staged or waiting', s } end
local following = last and last.n + 1 or 1
if q.k ~= following then return { 'conflict', 'attempt ' .. int(following), 'attempt ' .. int(q.k) } end
local contact = redis.call('HGET', key('contacts'), rec.p)
if not contact then return { 'conflict', 'a contact', 'none' } end

local function no(reason, till) return { 'no', reason, till and int(till) or '' } end

-- What an operator said.
local team = redis.call('HMGET', KEYS[1], 'epoch', 'paused')
local camp = redis.call('HMGET', base .. 'c:' .. n, 'epoch', 'hold')
if (tonumber(team[1]) or 0) ~= q.epoch or (tonumber(camp[1]) or 0) ~= q.cepoch then return no('stale') end
-- Without a record of its decision nothing is called: so many entries may wait for the archiver.
if q.backlog and redis.call('XLEN', key('audit')) >= q.backlog then return no('hold') end
if team[2] or camp[2] == 'paused' or camp[2] == 'stopped' then return no('hold') end
if suppressed(n, rec.p) then return no('suppressed') end

-- The lead and its phone.
if q.life and spent(rec) >= q.life then return no('lifetime') end
if rec.d and rec.d > q.now then return no('gap', rec.d) end
local h = history(rec.p)
if h.o then return no('in_flight') end
local calls = {}
for _, t in ipairs(h.t or {}) do
  if t * 1000 > q.now - 31 * 86400000 then calls[#calls + 1] = t end
end
table.sort(calls)
local till, why = nil, nil
local function later(t, reason)
  if not till or t > till then
    till, why = t, reason
  end
end
for _, cap in ipairs(q.caps or {}) do
  local first = #calls + 1
  while first > 1 and (calls[first - 1] + cap.w + q.margin) * 1000 > q.now do first = first - 1 end
  local within = #calls - first + 1
  if cap.n <= 0 then return no(cap.r) end
  -- So many have to fall out of the window before one more fits in.
  if within >= cap.n then later((calls[first + within - cap.n] + cap.w + q.margin) * 1000, cap.r) end
end
if q.gap and #calls > 0 then
  local free = (calls[#calls] + q.gap + q.margin) * 1000
  if free > q.now then later(free, 'gap') end
end
for _, pause in ipairs(q.quiet or {}) do
  local last = h.c
  if pause.x then last = h.x end
  if last then
    local free = (last + pause.w + q.margin) * 1000
    if free > q.now then later(free, pause.r) end
  end
end
if till then return no(why, till) end

-- The budget, and the places in flight.
local counts = ckey(n, 'count')
local function have(hash, field) return tonumber(redis.call('HGET', hash, field) or '0') end
if q.perday and have(counts, 'day:' .. int(q.day)) >= q.perday then return no('budget') end
if q.tperday and have(key('days'), 'team:' .. int(q.tday)) >= q.tperday then return no('budget') end
if q.aperday and have(key('days'), 'agent:' .. q.i .. ':' .. int(q.day)) >= q.aperday then return no('budget') end
if q.seconds and have(counts, 'sec:spent') + have(counts, 'sec:reserved') + (q.reserve or 0) > q.seconds then return no('budget') end
if q.c and have(counts, 'inflight') >= q.c then return no('in_flight') end
if q.t and have(key('flight'), 'team') >= q.t then return no('in_flight') end
if q.a and have(key('flight'), 'agent:' .. q.i) >= q.a then return no('in_flight') end

-- From here on it may ring.
local a = { n = q.k, s = 'sending', t = q.now, e = q.e, d = q.day, i = q.i, o = token }
if q.reserve and q.reserve > 0 then a.b = q.reserve end
if q.tday and q.tday ~= q.day then a.j = q.tday end
a.q = record('begin', { t = int(q.now), n = n, l = id, p = rec.p, a = attempt, i = q.i, d = ARGV[6] })
attempts[#attempts + 1] = a
rec.a, rec.s, rec.r, rec.t = attempts, 'calling', nil, nil
save(L)
calls[#calls + 1] = math.floor(q.now / 1000)
h.t, h.o = calls, attempt
save_history(rec.p, h)
redis.call('ZADD', key('sending'), int(q.e), attempt)
redis.call('HSET', key('contactopen'), contact, attempt)
flight(n, q.i, 1)
count(n, 'a:sending', 1)
count_call(n, a, 1)
if a.b then count(n, 'sec:reserved', a.b) end
return { 'ok', attempt }
