-- add_leads.lua takes leads into a campaign. What is already there is left as it is.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 campaign   3 "dry": nothing is changed, the words are those that would be answered; lanes need not be known
--       then seven for each lead:
--         id, phone, lane, state (new held closed), flags (k = has a key of its own, u = urgent, m = promised, d = has a
--         due time, p = has a priority, g = on the global list), record, row
--       record is the JSON object of a new lead without "q" and its closing brace; row is what follows its newline.
--       No id may come twice.
-- returns ok, then a word for each lead: added, updated, back (updated, and open again: its list had been withdrawn), unchanged,
--         busy (left alone: being called, and its phone changed), followed by :global, :team or :campaign when its phone is on that list; or gone; or lane L (not known to the campaign)
local n, name, dry = ARGV[1], ARGV[2], ARGV[3] == 'dry'
if not known(n, name) then return { 'gone' } end
local leads = ckey(n, 'leads')

local at = {}
for i = 4, #ARGV, 7 do at[#at + 1] = i end
local ids, lanes = {}, {}
for j, i in ipairs(at) do
  ids[j] = ARGV[i]
  local lane, s = ARGV[i + 2], ARGV[i + 3]
  if not dry and (lane ~= '' or s == 'new') and lanes[lane] == nil then
    if redis.call('HEXISTS', ckey(n, 'lanes'), lane) == 0 then return { 'lane', lane } end
    lanes[lane] = true
  end
end
if #ids == 0 then return { 'ok' } end

local raws = redis.call('HMGET', leads, unpack(ids))
local listed = redis.call('HGET', KEYS[1], 'dnc') or redis.call('HGET', base .. 'c:' .. n, 'dnc')
local reply, seq = { 'ok' }, nil
local put, fresh, queues = {}, {}, {}

local function sum(field) count(n, field, 1) end

local function queue(name_, score, id)
  local q = queues[name_]
  if not q then
    q = {}
    queues[name_] = q
  end
  q[#q + 1] = score
  q[#q + 1] = id
end

local function scope_of(phone, flags)
  if string.find(flags, 'g', 1, true) then return 'global' end
  if listed then return suppressed(n, phone) end
  return nil
end

-- add takes in a lead that is not there yet. The common one (new, nothing special) is written without being parsed.
local function add(i)
  local id, phone, lane, s, flags = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local scope = scope_of(phone, flags)
  local word = scope and 'added:' .. scope or 'added'
  if dry then return word end
  if not seq then seq = redis.call('HINCRBY', base .. 'c:' .. n, 'seq', #ids) - #ids end
  seq = seq + 1
  local head = ARGV[i + 5] .. ',"q":' .. int(seq) .. '}'
  local closing = scope and s ~= 'closed'
  if closing or s ~= 'new' or string.find(flags, '[umdp]') then
    local rec = cjson.decode(head)
    if closing then
      finish(rec, 'suppressed')
      rec.z = 'suppressed'
      head = cjson.encode(rec)
    end
    if queued(rec.s or 'new') then
      local q, score = queue_of(rec)
      queue(q, score, id)
    end
    sum('s:' .. (rec.s or 'new'))
    if rec.r then sum('r:' .. (rec.s or 'new') .. ':' .. rec.r) end
    if rec.z then sum('z:' .. rec.z) end
  else
    queue('new:' .. lane, int(seq), id)
    sum('s:new')
  end
  put[#put + 1] = id
  put[#put + 1] = head .. '\n' .. ARGV[i + 6]
  fresh[#fresh + 1] = n .. '.' .. id
  if string.find(flags, 'k', 1, true) then index_phone(phone, n .. '.' .. id) end
  return word
end

-- update compares a lead with what the list says now.
local function update(i, raw)
  local id, phone, lane, flags, row = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 4], '\n' .. ARGV[i + 6]
  local L = parse(n, id, raw)
  local rec = L.rec
  local open = queued(state(L))
  -- What was set by hand is kept: a place, with the lane that follows from it, a priority, a time.
  local x = rec.x or {}
  local placed = x.timezone or x.state or x.zip or x.country
  local moved = rec.l ~= lane and lane ~= '' and not placed
  local urged = (open or rec.s == 'held') and string.find(flags, 'u', 1, true) and not rec.u
  -- A lead that has gone on to another number of its row stays there as long as the row's own number is the same.
  local own = rec.h or rec.p
  local back = rec.w and rec.s == 'closed' and ARGV[i + 3] ~= 'closed'
  if L.row == row and own == phone and not moved and not urged and not back then return 'unchanged' end
  if own ~= phone and state(L) == 'calling' then return 'busy' end
  -- The list that a number is on which the lead has only now.
  local scope = (own ~= phone or back) and scope_of(phone, flags)
  local word = back and 'back' or 'updated'
  if scope and (back or rec.s ~= 'closed') then word = word .. ':' .. scope end
  if dry then return word end
  local new = cjson.decode(ARGV[i + 5] .. '}')
  local changed = L.row ~= row or own ~= phone or back
  if back then
    -- Its list had been withdrawn, and is imported again.
    rec.w, rec.z, rec.t, rec.r = nil, nil, nil, nil
    rec.s = natural(rec)
    open = true
  end
  if own ~= phone then
    rec.h = nil
    move_phone(L, phone)
    if open then rec.s = natural(rec) end
  end
  L.row = row
  if moved then rec.l = lane end
  if urged then rec.u = 1 end
  if changed then
    if not x.priority then rec.b = new.b end
    if open and not rec.a and not x.not_before then rec.d, rec.m = new.d, new.m end
    if new.s == 'held' and open then
      detain(rec, new.r)
      rec.t, rec.i = new.t, 1
    elseif not new.s and rec.s == 'held' and rec.i and (rec.l or '') ~= '' then
      -- The import held it, and the import has now said what was missing.
      rec.r, rec.t, rec.i = nil, nil, nil
      rec.s = natural(rec)
    end
  end
  if not (scope and suppress_lead(L)) then save(L) end
  return word
end

for j, i in ipairs(at) do
  local raw = raws[j]
  if raw then
    reply[j + 1] = update(i, raw)
  else
    reply[j + 1] = add(i)
  end
end

local news = #put > 0
for _, word in ipairs(reply) do news = news or string.sub(word, 1, 7) == 'updated' or string.sub(word, 1, 4) == 'back' end
if news and not dry then stir() end
if #put > 0 then
  redis.call('HSET', leads, unpack(put))
  redis.call('RPUSHX', key('changed'), unpack(fresh))
end
for name_, q in pairs(queues) do redis.call('ZADD', ckey(n, name_), unpack(q)) end
return reply
