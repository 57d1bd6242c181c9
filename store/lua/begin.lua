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
local camp = redis.call('HMGET', base .. 'c:' .. n, 'name', 'epoch', 'hold', 'dnc')
if camp[1] ~= name then return { 'gone' } end
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
local h = history(rec.p)
if not h.i then return { 'conflict', 'a contact', 'none' } end

local function no(reason, till) return { 'no', reason, till and int(till) or '' } end

-- What an operator said.
local team = redis.call('HMGET', KEYS[1], 'epoch', 'paused', 'dnc')
if (tonumber(team[1]) or 0) ~= q.epoch or (tonumber(camp[2]) or 0) ~= q.cepoch then return no('stale') end
-- Without a record of its decision nothing is called: so many entries may wait for the archiver.
if q.backlog and redis.call('XLEN', key('audit')) >= q.backlog then return no('hold') end
if team[2] or camp[3] == 'paused' or camp[3] == 'stopped' then return no('hold') end
if (team[3] or camp[4]) and suppressed(n, rec.p) then return no('suppressed') end

-- The lead and its phone.
if q.life and spent(rec) >= q.life then return no('lifetime') end
if rec.d and rec.d > q.now then return no('gap', rec.d) end
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
local day = 'day:' .. int(q.day)
local teamday, agentday = 'team:' .. int(q.tday or q.day), 'agent:' .. q.i .. ':' .. int(q.day)
local counts = counters(ckey(n, 'count'), {
  day, 'sec:spent', 'sec:reserved', 'inflight', 'calls', 'a:sending', 's:' .. s, 's:calling',
})
local days = counters(key('days'), { teamday, agentday })
local places = counters(key('flight'), { 'team', 'agent:' .. q.i })
if q.perday and counts[day] >= q.perday then return no('budget') end
if q.tperday and days[teamday] >= q.tperday then return no('budget') end
if q.aperday and days[agentday] >= q.aperday then return no('budget') end
if q.seconds and counts['sec:spent'] + counts['sec:reserved'] + (q.reserve or 0) > q.seconds then return no('budget') end
if q.c and counts.inflight >= q.c then return no('in_flight') end
if q.t and places.team >= q.t then return no('in_flight') end
if q.a and places['agent:' .. q.i] >= q.a then return no('in_flight') end

-- From here on it may ring.
local a = { n = q.k, s = 'sending', t = q.now, e = q.e, d = q.day, i = q.i, o = token }
if q.reserve and q.reserve > 0 then a.b = q.reserve end
if q.tday and q.tday ~= q.day then a.j = q.tday end
a.q = record('begin', { t = int(q.now), n = n, l = id, p = rec.p, a = attempt, i = q.i, d = ARGV[6] })
h.t = calls -- those that are too old for any cap go
occupy(L, a, attempt, h)
return { 'ok', attempt }
