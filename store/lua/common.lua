-- common.lua stands before every script of the record. It holds what a lead is in Redis and the one way to change it.
--
-- KEYS[1] of every script is the team's hash, dialerd:{TEAM}:team. All other keys derive from it, so they carry the same hash
-- tag and lie in the same slot. A reply is an array of strings whose first says what happened:
--   ok …                 done
--   again …              had been done before; nothing was written
--   gone                 the campaign does not exist
--   missing              no such lead or attempt
--   fenced               the claim is no longer the caller's
--   damaged what         what is kept of it cannot be read; nothing was written
--   conflict want got    the record is not in a state that allows this
--
-- A lead is one value of the hash c:N:leads: a JSON object that scripts read and write, a newline, and the row as it was
-- imported, which no script reads (leadrow.go). The object (absent = zero):
--   s state ("new" when absent)   p phone        k key, when it is not the phone   l lane     q import sequence   b priority
--   r reason   t note   d due, ms   m 1: due was promised   u 1: urgent   g 1: was staged again   i 1: held by the import
--   h phone of its row, when it has gone on to another one of the row   w 1: closed because its list was withdrawn
--   z last disposition   x overrides   o refused attempts no longer listed
--   f times in a row that its contact could not be made, or its call was refused by nobody knows whom   v contacts that the team had
--     made, or calls of the campaign that the API had taken, at the last of them
--   a attempts, oldest first: n number, s state ("settled" when absent), t begun, ms, e deadline, ms, d day as YYYYMMDD, j the
--     team's day, where it is another,
--     i agent, c call id, z disposition, w status, y seconds, g seconds charged where y does not tell, f 1: transferred,
--     x 1: nobody knows the word w,
--     b seconds reserved, u 1: open, but without a place in flight, o token that began it,
--     p phone, when the lead has had another since, q number of its entry in the record of decisions
local base = string.sub(KEYS[1], 1, -5)

local function key(name) return base .. name end

local function ckey(n, name) return base .. 'c:' .. n .. ':' .. name end

-- int writes a whole number without exponent: Redis' own conversion keeps 14 digits only.
local function int(x) return string.format('%.0f', x) end

-- known reports whether campaign N exists under this name.
local function known(n, name) return redis.call('HGET', base .. 'c:' .. n, 'name') == name end

-- Counters. What a script adds to them is written once, when it is done, a hash at a time; newScript sees to that. had is what was
-- read of a hash, more is what is to be added to it. A counter at zero is no field.
local had, more = {}, {}

-- counters reads some counters of a hash, so that they need not be read again to be written.
local function counters(hash, fields)
  local of = had[hash] or {}
  for i, value in ipairs(redis.call('HMGET', hash, unpack(fields))) do of[fields[i]] = tonumber(value or 0) end
  had[hash] = of
  return of
end

local function tally(hash, field, by)
  local of = more[hash] or {}
  of[field] = (of[field] or 0) + by
  more[hash] = of
end

-- write_counters writes what the script has added.
local function write_counters()
  for hash, of in pairs(more) do
    local known, unread = had[hash] or {}, {}
    for field, by in pairs(of) do
      if by ~= 0 and not known[field] then unread[#unread + 1] = field end
    end
    if #unread > 0 then known = counters(hash, unread) end
    local put, gone = {}, {}
    for field, by in pairs(of) do
      local sum = by ~= 0 and known[field] + by
      if sum == 0 then
        gone[#gone + 1] = field
      elseif sum then
        put[#put + 1] = field
        put[#put + 1] = int(sum)
      end
    end
    if #put > 0 then redis.call('HSET', hash, unpack(put)) end
    if #gone > 0 then redis.call('HDEL', hash, unpack(gone)) end
  end
end

local function count(n, field, by) tally(ckey(n, 'count'), field, by) end

-- Suppression. A list is 16384 sets of numbers without their plus sign, small enough to stay sets of integers.
local function digits(phone) return string.sub(phone, 2) end

local function bucket(phone) return int(tonumber(digits(phone)) % 16384) end

-- suppressed names the list of the team or the campaign that a phone is on, or nothing.
local function suppressed(n, phone)
  local b = bucket(phone)
  if redis.call('SISMEMBER', key('dnc:' .. b), digits(phone)) == 1 then return 'team' end
  if redis.call('SISMEMBER', ckey(n, 'dnc:' .. b), digits(phone)) == 1 then return 'campaign' end
  return nil
end

-- parse makes a lead of its record. was keeps what it counts as until save.
local function parse(n, id, raw)
  local nl = string.find(raw, '\n', 1, true)
  local rec = cjson.decode(string.sub(raw, 1, nl - 1))
  return {
    n = n, id = id, rec = rec, row = string.sub(raw, nl),
    was = { s = rec.s or 'new', r = rec.r, z = rec.z, l = rec.l or '' },
  }
end

local function lead(n, id)
  local raw = redis.call('HGET', ckey(n, 'leads'), id)
  if not raw then return nil end
  return parse(n, id, raw)
end

local function state(L) return L.rec.s or 'new' end

-- queued reports whether leads of a state are in a queue, or in a claim taken from one.
local function queued(s) return s == 'new' or s == 'staged' or s == 'waiting' end

-- behind is what puts a lead whose contact could not be made after all those that have not been tried, whatever their priority: they
-- are at most 1000 * 2^40 from zero.
local behind = 2251799813685248

-- order is the score inside a lane: lower goes first.
local function order(rec) return int((rec.q or 0) - (rec.b or 0) * 1099511627776 + (rec.f and behind or 0)) end

-- ready names the queue of leads that may be taken now.
local function ready(s, lane)
  if s == 'new' then return 'new:' .. lane end
  return 'ready:' .. lane
end

-- queue_of says where a lead belongs by its record alone: the queue's name and its score there.
local function queue_of(rec)
  local lane = rec.l or ''
  if rec.u or rec.m then return 'urgent', int(rec.d or 0) end
  if rec.d then return 'wait:' .. lane, int(rec.d) end
  return ready(rec.s or 'new', lane), order(rec)
end

-- dequeue takes a lead out of whatever queue or claim it is in. One that the caller has claimed (mine) is in no queue.
local function dequeue(L)
  if not queued(L.was.s) then return end
  if not L.mine then
    redis.call('ZREM', ckey(L.n, ready(L.was.s, L.was.l)), L.id)
    redis.call('ZREM', ckey(L.n, 'wait:' .. L.was.l), L.id)
    redis.call('ZREM', ckey(L.n, 'urgent'), L.id)
  end
  local name = L.n .. '.' .. L.id
  redis.call('ZREM', key('claims'), name)
  redis.call('HDEL', key('tokens'), name)
end

-- stir says that something may be called, or not, otherwise than a daemon that looked a moment ago would think: it looks anew.
local function stir() redis.call('HINCRBY', KEYS[1], 'stirred', 1) end

local function tally_lead(n, s, r, z, by)
  count(n, 's:' .. s, by)
  if r then count(n, 'r:' .. s .. ':' .. r, by) end
  if z then count(n, 'z:' .. z, by) end
end

-- changed tells a recount of the team's counters, if there is one at this moment, that it has to look at a lead again.
local function changed(n, id) redis.call('RPUSHX', key('changed'), n .. '.' .. id) end

-- save writes a lead: the record, the one queue that it belongs in, and the counters. A claim on it ends here.
local function save(L)
  local rec, was = L.rec, L.was
  if rec.s == 'new' then rec.s = nil end
  if rec.a and #rec.a == 0 then rec.a = nil end
  if rec.x and next(rec.x) == nil then rec.x = nil end
  dequeue(L)
  redis.call('HSET', ckey(L.n, 'leads'), L.id, cjson.encode(rec) .. L.row)
  changed(L.n, L.id)
  local s = state(L)
  if queued(s) then
    local queue, score = queue_of(rec)
    redis.call('ZADD', ckey(L.n, queue), score, L.id)
  end
  if s ~= was.s or rec.r ~= was.r or rec.z ~= was.z then
    tally_lead(L.n, was.s, was.r, was.z, -1)
    tally_lead(L.n, s, rec.r, rec.z, 1)
  end
  L.was, L.mine = { s = s, r = rec.r, z = rec.z, l = rec.l or '' }, nil
end

-- holds reports whether a claim on a lead is the caller's.
local function holds(n, id, token)
  return redis.call('HGET', key('tokens'), n .. '.' .. id) == token
end

-- mine reads a lead that the caller has claimed; by hand, with no token, any lead. Else it says what to answer.
local function mine(n, id, token)
  if token ~= '' and not holds(n, id, token) then return nil, { 'fenced' } end
  local L = lead(n, id)
  if not L then return nil, { 'missing' } end
  L.mine = token ~= ''
  return L
end

-- claim gives a lead, taken out of its queue, to a worker until expiry.
local function claim(n, id, token, expiry)
  local name = n .. '.' .. id
  redis.call('ZADD', key('claims'), expiry, name)
  redis.call('HSET', key('tokens'), name, token)
end

-- spent is the number of attempts that may have rung.
local function spent(rec)
  local k = 0
  for _, a in ipairs(rec.a or {}) do
    if a.s ~= 'refused' then k = k + 1 end
  end
  return k
end

-- What a team remembers of a phone: i its contact, and over all campaigns o its open attempt, t unix seconds of its attempts, c its last
-- conversation, x its last no.
local function history(phone)
  local raw = redis.call('HGET', key('phones'), phone)
  if raw then return cjson.decode(raw) end
  return {}
end

-- contact_of returns a phone's contact, or nothing; also where the rest of what is remembered is damaged, which must not stop the others.
local function contact_of(phone)
  local raw = redis.call('HGET', key('phones'), phone)
  if not raw then return nil end
  local contact = string.match(raw, '"i":"([^"\\]*)"')
  if contact then return contact end
  local sound, h = pcall(cjson.decode, raw)
  return sound and type(h) == 'table' and h.i or nil
end

-- sound_history is history, or nothing where it is damaged.
local function sound_history(phone)
  local sound, h = pcall(history, phone)
  return sound and type(h) == 'table' and h or nil
end

local function save_history(phone, h)
  if h.t and #h.t == 0 then h.t = nil end
  if next(h) == nil then
    redis.call('HDEL', key('phones'), phone)
  else
    redis.call('HSET', key('phones'), phone, cjson.encode(h))
  end
end

-- natural is the state of a lead that may be called, by what is known of it. contact is its phone's, when the caller has looked.
local function natural(rec, contact)
  if not (contact or contact_of(rec.p)) then return 'new' end
  if spent(rec) > 0 then return 'waiting' end
  return 'staged'
end

-- detain holds a lead. What it waited for is kept for its release.
local function detain(rec, reason)
  rec.s, rec.r, rec.t, rec.i = 'held', reason, nil, nil
  rec.f, rec.v = nil, nil
end

-- fail counts one more failure in a row of a lead, and puts it off: for longer each time, up to sixteen times the first wait. done is how
-- many others have succeeded by now. q: now ms, wait ms, others failures that are enough where others succeeded since the last, ever
-- failures that are enough in any case. It reports whether they are enough.
local function fail(rec, done, q)
  local failures, succeeded = (rec.f or 0) + 1, rec.v and done > rec.v
  if failures >= tonumber(q.ever) or (succeeded and failures >= tonumber(q.others)) then return true end
  rec.f, rec.v = failures, done
  rec.d = tonumber(q.now) + tonumber(q.wait) * 2 ^ math.min(failures - 1, 4)
  return false
end

-- finish closes a lead: it waits for nothing more.
local function finish(rec, reason)
  rec.s, rec.r, rec.t, rec.i = 'closed', reason, nil, nil
  rec.d, rec.m, rec.u, rec.w = nil, nil, nil, nil
  rec.f, rec.v = nil, nil
end

-- suppress_lead closes a lead whose phone is on a list. One that is being called is left to the end of its call.
local function suppress_lead(L)
  local s = state(L)
  if s == 'calling' or s == 'closed' then return false end
  finish(L.rec, 'suppressed')
  L.rec.z = 'suppressed'
  save(L)
  return true
end

-- The index of leads that cannot be found by their phone alone: phone → "N.lead N.lead".
local function index_phone(phone, name)
  local at = redis.call('HGET', key('keyed'), phone)
  if not at then
    redis.call('HSET', key('keyed'), phone, name)
  elseif not string.find(' ' .. at .. ' ', ' ' .. name .. ' ', 1, true) then
    redis.call('HSET', key('keyed'), phone, at .. ' ' .. name)
  end
end

local function unindex_phone(phone, name)
  local at = redis.call('HGET', key('keyed'), phone)
  if not at then return end
  local left = {}
  for other in string.gmatch(at, '%S+') do
    if other ~= name then left[#left + 1] = other end
  end
  if #left == 0 then
    redis.call('HDEL', key('keyed'), phone)
  else
    redis.call('HSET', key('keyed'), phone, table.concat(left, ' '))
  end
end

-- move_phone gives a lead another phone. Past attempts keep the one that they rang.
local function move_phone(L, phone)
  local rec, name = L.rec, L.n .. '.' .. L.id
  for _, a in ipairs(rec.a or {}) do
    a.p = a.p or rec.p
  end
  if not rec.k then rec.k = rec.p end
  unindex_phone(rec.p, name)
  index_phone(phone, name)
  rec.p, rec.f, rec.v = phone, nil, nil
end

-- drop_event forgets an event of the inbox, but for that it was seen. It reports whether it was there.
local function drop_event(id)
  redis.call('ZREM', key('inboxdue'), id)
  return redis.call('HDEL', key('inbox'), id) == 1
end
