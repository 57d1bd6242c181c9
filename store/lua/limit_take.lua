-- limit_take: the ends of earlier requests are noted, then the next send slot of one API token is reserved, if it is
-- near enough. Time is Redis' own TIME in µs; every value that goes in or out is a whole number of µs.
--
-- KEYS[1] permits  ZSET  request id (first letter: its class) → when its permit comes back
-- KEYS[2] state    HASH  next     earliest next slot
--                        req, per, limit_at     the limit in force, and when a process with that limit last asked
--                        eff, eff_at            permits in use after 429s (thousandths), and when that was computed
--                        shrunk, blocked, throttled   slot borders and count of the 429s seen
--                        quarantine   until when the limiter counts as full, as its past is not known
--                        run      run id of the server that wrote this
--                        last, last_slot        the newest reservation, so that a slot given back at once is not lost
--                        turn:C   when the last of those who wait for a slot of class C was told to ask again; again:C   the same of
--                                 those who had come at their turn, and too early all the same
--                        want:C   until when class C counts as waiting; due:C when class C may take its fixed share
-- ARGV[1] requests, [2] per, [3] hold (timeout and margin: how long an unanswered request may still arrive)
-- ARGV[4] horizon, [5] class, [6] request id, empty = only note the ends
-- ARGV[7] flags: f a missing state means a token never used · p asks at its promised turn · j the clock jumped ·
--          m more requests of the class wait behind this one in the same process
-- ARGV[8] patience: how long the caller can wait for its slot
-- ARGV[9…] five for each end: kind, request id, age of its reply, age of its slot, Retry-After (0 = none)
--          kinds: a answered · n sent, no answer · t answered with 429 · c not sent · w a waiter of class `id` left
-- returns {1, µs until the slot, now, slot spacing, ""} or {0, µs until it makes sense to ask again, now, spacing, why}
--          or {-1, µs until the next slot, now, spacing, why}: that is too late for the caller, who leaves the line
--          why: pace full class blocked quarantine; with an empty request id {0, 0, now, spacing, ""}

local RANK = { call = 0, reconcile = 1, stage = 2, control = 2 }
local SHARE = { reconcile = 10, control = 20, stage = 50 } -- at least one slot in so many
local SHRINK, RECOVER, LEAST = 0.8, 0.05, 0.05 -- by a 429; of the limit back in each `per`; of the limit always left
-- Spacing while permits lie idle; the limit is held by the permits alone. A few idle ones are a hiccup, or replies out of step: that is
-- made good soon, or each permit would come back as late the next time. Many are a start: it is spread over the window, so that no
-- burst comes back in every window after it.
local CATCH_UP, START, FEW = 0.5, 0.97, 0.1
local LONGEST_BLOCK = 3600e6

local permits, state = KEYS[1], KEYS[2]
local requests, per = tonumber(ARGV[1]), tonumber(ARGV[2])
local hold, horizon = tonumber(ARGV[3]), tonumber(ARGV[4])
local class, id, flags, patience = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])

local function text(x) return string.format('%.0f', x) end
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1e6 + tonumber(t[2])

local st, out = {}, {}
local raw = redis.call('HGETALL', state)
for i = 1, #raw, 2 do st[raw[i]] = raw[i + 1] end
local function num(field) return tonumber(st[field] or 0) end
local function put(field, value)
  if type(value) == 'number' then value = text(value) end
  st[field] = value
  out[#out + 1] = field
  out[#out + 1] = value
end
local function quarantine()
  put('next', math.max(num('next'), now + per))
  put('quarantine', now + per)
end

local longest = math.max(per, num('per'))

-- The limit in force is the strictest that any process asked with during the last window.
local function adopt()
  local full = num('eff') >= num('req') * 1000
  put('req', requests)
  put('per', per)
  put('limit_at', now)
  if full or num('eff') > requests * 1000 then put('eff', requests * 1000) end
end
if not st.req then
  put('eff', requests * 1000)
  put('eff_at', now)
  adopt()
else
  local mine, theirs = requests / per, num('req') / num('per')
  if requests == num('req') and per == num('per') then
    if now - num('limit_at') > per / 10 then put('limit_at', now) end
  elseif mine < theirs or (mine == theirs and per < num('per')) or now - num('limit_at') > num('per') then
    adopt()
  else
    requests, per = num('req'), num('per')
  end
end

-- A past that is not known counts as a full window.
if not st.next then
  put('next', now)
  if not string.find(flags, 'f') then quarantine() end
elseif num('next') > now + 2 * longest + 2 * horizon then -- no slot is that far: the clock went back
  redis.call('DEL', permits)
  for _, field in ipairs({ 'next', 'blocked', 'shrunk', 'last_slot', 'limit_at', 'turn:' .. class, 'again:' .. class }) do put(field, 0) end
  for c in pairs(RANK) do
    put('want:' .. c, 0)
    put('due:' .. c, 0)
  end
  put('eff_at', now)
  quarantine()
end
if string.find(flags, 'j') then quarantine() end
if id ~= '' then
  local info = redis.pcall('INFO', 'server') -- an error where INFO is not allowed, or is miniredis'
  local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)')
  if run and run ~= st.run then
    if st.run then quarantine() end
    put('run', run)
  end
end

local limit, spacing
local function measure()
  limit = math.max(1, math.floor(num('eff') / 1000))
  spacing = per / limit
end
if num('eff') < requests * 1000 and now > num('eff_at') then
  put('eff', math.min(requests * 1000, num('eff') + requests * 1000 * RECOVER * (now - num('eff_at')) / per))
  put('eff_at', now)
end
measure()

for i = 9, #ARGV, 5 do
  local kind, who = ARGV[i], ARGV[i + 1]
  local replied, slot = now - tonumber(ARGV[i + 2]), now - tonumber(ARGV[i + 3])
  if kind == 'a' or kind == 't' then
    redis.call('ZADD', permits, text(replied + per), who)
  elseif kind == 'n' then
    redis.call('ZADD', permits, text(slot + hold + per), who)
  elseif kind == 'c' then
    redis.call('ZREM', permits, who)
    if st.last == who then put('next', num('last_slot')) end
  elseif kind == 'w' and num('turn:' .. who) > now then
    put('turn:' .. who, num('turn:' .. who) - spacing)
  end
  if kind == 't' then
    local pause = tonumber(ARGV[i + 4])
    if pause <= 0 then pause = per end
    put('throttled', num('throttled') + 1)
    put('blocked', math.max(num('blocked'), replied + math.min(pause, LONGEST_BLOCK)))
    if slot > num('shrunk') then -- requests already under way at the last shrink do not shrink it again
      put('eff', math.max(math.min(1000, requests * 1000), requests * 1000 * LEAST, num('eff') * SHRINK))
      put('shrunk', now)
      measure()
    end
    put('eff_at', math.max(num('eff_at'), num('blocked')))
  end
end

local function finish(granted, wait, why)
  if #out > 0 then redis.call('HSET', state, unpack(out)) end
  return { granted, math.ceil(wait), now, math.floor(spacing), why }
end
redis.call('ZREMRANGEBYSCORE', permits, '-inf', text(now))
if id == '' then return finish(0, 0, '') end

local held = redis.call('ZCARD', permits)
local slot, why = math.max(now, num('next'), num('blocked')), 'pace'
if held >= limit then -- at `slot` fewer than `limit` permits may be out
  local free = tonumber(redis.call('ZRANGE', permits, held - limit, held - limit, 'WITHSCORES')[2])
  if free > slot then
    slot, why = free, 'full'
  end
end
if num('blocked') > now then why = 'blocked' elseif num('quarantine') > now then why = 'quarantine' end

-- A class gives way to a higher one that is waiting, but for its fixed share. Its share reaches further ahead than
-- any other request may, so that nobody else can always be first; without it, it reserves the very next slot only.
local wanted = 0
for c, rank in pairs(RANK) do
  if rank < RANK[class] and rank < 2 then wanted = math.max(wanted, num('want:' .. c)) end
end
local due = class ~= 'call' and num('due:' .. class) <= now
local reach = horizon
if due then
  reach = horizon + math.min(3 * spacing, horizon)
elseif class ~= 'call' then
  reach = math.min(horizon, spacing / 2)
end
if wanted > now and class ~= 'call' and not due then
  local wait = math.max(math.min(num('due:' .. class), wanted) - now, spacing / 4)
  if class == 'reconcile' then put('want:reconcile', now + wait + 2 * spacing) end
  return finish(0, wait, 'class')
end

-- Those who are too early stand in a line: each is told a time to come back, one spacing after the one before.
local turn, again, promised = 'turn:' .. class, 'again:' .. class, string.find(flags, 'p')
if slot - now > patience then
  if promised and num(turn) > now then put(turn, num(turn) - spacing) end
  return finish(-1, slot - now, why)
end
if slot <= now then
  for _, line in ipairs({ turn, again }) do -- a slot lies idle: whoever was promised a turn has gone
    if num(line) > now then put(line, 0) end
  end
elseif slot - now > reach + (promised and 2 * spacing or 0) or (num(turn) > now and not promised) then
  local ask = slot - reach
  if not promised then
    ask = math.min(math.max(ask, num(turn) + spacing), math.max(ask, now) + 50 * spacing)
    put(turn, ask)
  else -- whose turn came too early, as replies were slow: not all of them at once, but more than there are slots
    ask = math.max(ask, math.min(num(again) + spacing / 2, now + 50 * spacing))
    put(again, ask)
  end
  local wait = math.max(ask - now, spacing / 20)
  if RANK[class] < 2 then put('want:' .. class, now + wait + 2 * spacing) end
  return finish(0, wait, why)
end

local busy = redis.call('ZCOUNT', permits, '(' .. text(slot), '+inf')
redis.call('ZADD', permits, text(slot + hold + per), id)
local idle = limit - busy - 1
put('next', slot + spacing * (idle <= 0 and 1 or idle <= math.max(limit * FEW, 1) and CATCH_UP or START))
put('last', id)
put('last_slot', slot)
-- Who has a slot wants nothing more; lower classes only wait for those who are still in the line.
if slot > now and RANK[class] < 2 and string.find(flags, 'm') then put('want:' .. class, slot + 2 * spacing) end
if SHARE[class] then
  local every = SHARE[class] * spacing
  local from = num('due:' .. class)
  if not due or slot - from >= every then from = slot end
  put('due:' .. class, from + every)
end
return finish(1, slot - now, '')
