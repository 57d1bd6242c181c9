-- adopt.lua keeps the walk through the contacts that a team's account has already: what a page of the list brought, and whether another
-- is to be read. A page costs one request and every phone that takes its contact from it saves one. So a walk has a stake: a page takes
-- one from it before it is read, a phone puts one back, and without a stake the walk has ended.
--
-- KEYS  1 the team's hash
-- ARGV  1 what is asked, as JSON: t now ms, n numbers of the campaigns whose leads want contacts
--         o token of the turn; g until ms: a turn is asked for, and has ended by then; u leads without a contact
--         r what became of the turn: part (more of its page follows), read, last (its page was the last one), failed, unsent
--         w not before ms, after failed and unsent   x 1: the API does not sort its list
--         p phones of the page, i their contacts, l for each campaign the leads that these phones are by their key
--         min leads for one page, most pages that a walk may lose, rest ms between walks, day ms after which losses are forgiven,
--         stale ms after which a walk that was left begins anew
-- returns ok, phones adopted, then page N sorted (the caller's turn; sorted is 1 or 0), busy until, rest until, or none (no turn was
--         asked for); requests and phones of the walk if it has ended, else ""; then leads staged, for each campaign
local q, at = cjson.decode(ARGV[1]), key('adopt')
local raw, st = redis.call('HGETALL', at), {}
for i = 1, #raw, 2 do st[raw[i]] = raw[i + 1] end
local function num(field) return tonumber(st[field] or 0) end
local function put(field, x) st[field] = int(x) end

local adopted, staged, column = 0, {}, {}
for j, n in ipairs(q.n) do staged[j], column[n] = 0, j end

-- take gives the leads of a phone its contact and says whether there were any. A lead that somebody has claimed finds it by itself.
local function take(phone, contact, doubt, leads)
  local any = false
  for _, L in ipairs(leads) do
    if L.rec.p == phone and state(L) == 'new' then
      any = true
      if redis.call('HEXISTS', key('tokens'), L.n .. '.' .. L.id) == 0 then
        local rec = L.rec
        rec.s = natural(rec, contact)
        if rec.f then
          rec.f, rec.v, rec.r, rec.t = nil, nil, nil, nil
          if not (rec.m or rec.u) then rec.d = nil end
        end
        save(L)
        staged[column[L.n]] = staged[column[L.n]] + 1
      end
    end
  end
  if any then
    redis.call('HSET', key('contacts'), phone, contact)
    local till = string.match(doubt or '', '^(%d+) ')
    if doubt and not (till and tonumber(till) > q.t) then redis.call('HDEL', key('contactdoubt'), phone) end
  end
  return any
end

if q.p then
  local has = redis.call('HMGET', key('contacts'), unpack(q.p))
  local keyed = redis.call('HMGET', key('keyed'), unpack(q.p))
  local doubts = redis.call('HMGET', key('contactdoubt'), unpack(q.p))
  local own = {}
  for j, n in ipairs(q.n) do own[j] = redis.call('HMGET', ckey(n, 'leads'), unpack(q.l[j])) end
  for i, phone in ipairs(q.p) do
    if not has[i] then
      local leads = {}
      for j, n in ipairs(q.n) do
        if own[j][i] then leads[#leads + 1] = parse(n, q.l[j][i], own[j][i]) end
      end
      for n, id in string.gmatch(keyed[i] or '', '(%d+)%.(%S+)') do
        if column[n] and id ~= q.l[column[n]][i] then leads[#leads + 1] = lead(n, id) end
      end
      if take(phone, q.i[i], doubts[i], leads) then adopted = adopted + 1 end
    end
  end
end

local moved, asked, gained = false, '', ''
local function finish()
  moved = true
  asked, gained = int(num('asked')), int(num('gained'))
  put('losses', num('gained') > num('asked') and 0 or num('losses') + 1)
  put('ended', q.t)
  put('again', math.max(num('again'), q.t + q.rest))
  for _, field in ipairs({ 'stake', 'most', 'page', 'asked', 'gained', 'token', 'till' }) do st[field] = nil end
end

if q.r and st.token == q.o then
  moved = true
  put('gained', num('gained') + adopted)
  put('stake', math.min(num('stake') + adopted, num('most')))
  if q.r == 'read' or q.r == 'last' then put('page', num('page') + 1) end
  if q.r == 'unsent' then
    put('stake', num('stake') + 1)
    put('asked', num('asked') - 1)
  end
  if q.w then put('again', q.w) end
  if q.x then st.unsorted = '1' end
  if q.r ~= 'part' then
    st.token, st.till = nil, nil
    if q.r == 'last' or num('stake') < 1 then finish() end
  end
end

-- turn says what one who asks for a page is told.
local function turn()
  if num('again') > q.t then -- a walk that only draws breath is not over
    return st.stake and num('again') - q.t <= q.rest and 'busy' or 'rest', num('again')
  end
  if st.token and num('till') > q.t then return 'busy', num('till') end
  if st.stake and (num('stake') < 1 or q.u < 2 or q.t - num('at') > q.stale) then
    finish()
    return 'rest', num('again')
  end
  if not st.stake then
    local fresh, seen = 0, {}
    for j, n in ipairs(q.n) do
      seen[j] = tonumber(redis.call('HGET', base .. 'c:' .. n, 'seq') or '0')
      fresh = fresh + math.max(seen[j] - num('seen:' .. n), 0)
    end
    local need = q.min * 2 ^ math.min(num('losses'), 5)
    if q.t - num('ended') >= q.day then need = q.min end
    fresh = math.min(fresh, q.u)
    if fresh < need then return 'rest', q.t + q.rest end
    for j, n in ipairs(q.n) do put('seen:' .. n, seen[j]) end
    put('most', math.min(math.floor(fresh / q.min), q.most))
    put('stake', num('most'))
    put('page', 0)
  end
  moved = true
  put('stake', num('stake') - 1)
  put('asked', num('asked') + 1)
  put('at', q.t)
  put('till', q.g)
  st.token = q.o
  return 'page', num('page')
end

local what, when = 'none', 0
if q.g then what, when = turn() end
if moved then
  local all = {}
  for field, value in pairs(st) do
    all[#all + 1] = field
    all[#all + 1] = value
  end
  redis.call('DEL', at)
  redis.call('HSET', at, unpack(all))
end
local reply = { 'ok', int(adopted), what, int(when), st.unsorted and '0' or '1', asked, gained }
for j in ipairs(q.n) do reply[#reply + 1] = int(staged[j]) end
return reply
