-- repair_lead.lua puts a lead where its record says that it belongs: into one queue, or a worker's claim, and its attempts into the
-- indexes of those under way. The record itself is believed; only a state that contradicts the attempts is mended, to the side where
-- nobody is called.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 lead   3 now ms   4 who   5 the contact of its open attempt as another index has it, or ""
--       then the queues that it was found in
-- returns ok, then what was changed, in words
local n, id, now, who = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local name, reply = n .. '.' .. id, { 'ok' }
local function say(what) reply[#reply + 1] = what end

local readable, L = pcall(lead, n, id)
if not readable then -- a person has to see to that; meanwhile it must not stop those behind it
  for i = 6, #ARGV do
    if redis.call('ZREM', ckey(n, ARGV[i]), id) == 1 then say('out of ' .. ARGV[i] .. ', as it cannot be read') end
  end
  if redis.call('ZREM', key('claims'), name) + redis.call('HDEL', key('tokens'), name) > 0 then say('no claim, as it cannot be read') end
  if #reply > 1 then record('repair', { n = n, l = id, m = table.concat(reply, ', ', 2), b = who }) end
  return reply
end
local phone = L and L.rec.p

local function is_open(a)
  local s = attempt_state(a)
  return s ~= 'settled' and s ~= 'refused'
end

-- The state follows from the last attempt where that is open.
local attempts = L and L.rec.a or {}
local last = attempts[#attempts]
local open = last and is_open(last)
if L and open and state(L) ~= 'calling' then
  say('calling, as attempt ' .. int(last.n) .. ' is open; it was ' .. state(L))
  L.rec.s, L.rec.r = 'calling', nil
  save(L)
elseif L and not open and state(L) == 'calling' then
  say('held, as it was calling without an open attempt')
  detain(L.rec, 'hold')
  L.rec.t = 'fsck: it was calling without an open attempt; release it once you know why'
  save(L)
end

-- One queue, or one claim.
local waits = L and queued(state(L))
local claimed = waits and redis.call('ZSCORE', key('claims'), name) and redis.call('HEXISTS', key('tokens'), name) == 1
if not claimed and redis.call('ZREM', key('claims'), name) + redis.call('HDEL', key('tokens'), name) > 0 then say('no claim') end
local want, score, lane = nil, nil, L and L.rec.l or ''
if waits and not claimed then want, score = queue_of(L.rec) end
local queues, seen = { 'urgent', 'new:' .. lane, 'ready:' .. lane, 'wait:' .. lane }, {}
for i = 6, #ARGV do queues[#queues + 1] = ARGV[i] end
local kept = false
for _, queue in ipairs(queues) do
  local at = not seen[queue] and redis.call('ZSCORE', ckey(n, queue), id)
  seen[queue] = true
  if at then
    local here = want == queue and tonumber(at) == tonumber(score)
    -- What was due has been moved to those that are taken from.
    here = here or want == 'wait:' .. lane and queue == ready(state(L), lane) and tonumber(at) == tonumber(order(L.rec))
    if here and not kept then
      kept = true
    else
      redis.call('ZREM', ckey(n, queue), id)
      say('out of ' .. queue)
    end
  end
end
if want and not kept then
  redis.call('ZADD', ckey(n, want), score, id)
  say('into ' .. want)
end

-- The attempts.
for _, a in ipairs(attempts) do
  local attempt, s = name .. '.' .. int(a.n), attempt_state(a)
  if s == 'sending' then
    local at = redis.call('ZSCORE', key('sending'), attempt)
    if not at or tonumber(at) ~= a.e then
      redis.call('ZADD', key('sending'), int(a.e), attempt)
      say('attempt ' .. int(a.n) .. ' is sending')
    end
  elseif s ~= 'unknown' and redis.call('ZREM', key('sending'), attempt) == 1 then
    say('attempt ' .. int(a.n) .. ' is not sending')
  end
  if s == 'accepted' or s == 'unknown' then
    if not redis.call('ZSCORE', key('open'), attempt) then
      redis.call('ZADD', key('open'), now, attempt)
      say('attempt ' .. int(a.n) .. ' is to be looked up')
    end
  elseif redis.call('ZREM', key('open'), attempt) == 1 then
    say('attempt ' .. int(a.n) .. ' is not to be looked up')
  end
  if a.c and is_open(a) and redis.call('HSETNX', key('calls'), a.c, attempt) == 1 then say('its call is known by its id') end
end
if open then
  local attempt, contact = name .. '.' .. int(last.n), contact_of(phone)
  local h = not contact and ARGV[5] ~= '' and sound_history(phone)
  if h then -- one that cannot be read forbids every call, and is not to be overwritten by the half of it
    contact, h.i = ARGV[5], ARGV[5]
    save_history(phone, h)
    say('its phone has its contact')
  end
  if contact and redis.call('HGET', key('contactopen'), contact) ~= attempt then
    redis.call('HSET', key('contactopen'), contact, attempt)
    say('its contact is being called')
  end
end

-- The index of those that are not found by their phone.
if L and L.rec.k and phone ~= '' and not string.find(' ' .. (redis.call('HGET', key('keyed'), phone) or '') .. ' ', ' ' .. name .. ' ', 1, true) then
  index_phone(phone, name)
  say('found by its phone')
end

if #reply > 1 then record('repair', { n = n, l = id, p = phone, m = table.concat(reply, ', ', 2), b = who }) end
return reply
