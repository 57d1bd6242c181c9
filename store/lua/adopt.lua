-- adopt.lua keeps the walk through the contacts that a team's account has already: what a page of the list brought, and whether another
-- is to be read. A page costs one request and every phone that takes its contact from it saves one. So a walk has a stake: a page takes
-- one from it before it is read, a phone puts one back, and without a stake the walk has ended.
--
-- Other tools may have made thousands of contacts since. So after three pages in a row that brought nothing the walk leaps, ever farther, until it
-- finds something or the list has ended, and then halves what it has leapt over last. From where it finds something it goes back to where
-- that begins, then on. A walk that has found nothing and does not know yet how long the list is goes on where it was, by a page for every
-- min contacts that are made meanwhile.
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

-- take gives the leads of a phone its contact, which what is remembered of it (h) does not have yet, and says whether there were any. A lead that somebody has claimed finds it by itself.
local function take(phone, h, contact, doubt, leads)
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
    h.i = contact
    save_history(phone, h)
    local till = string.match(doubt or '', '^(%d+) ')
    if doubt and not (till and tonumber(till) > q.t) then redis.call('HDEL', key('contactdoubt'), phone) end
  end
  return any
end

if q.p then
  local has = redis.call('HMGET', key('phones'), unpack(q.p))
  local keyed = redis.call('HMGET', key('keyed'), unpack(q.p))
  local doubts = redis.call('HMGET', key('contactdoubt'), unpack(q.p))
  local own = {}
  for j, n in ipairs(q.n) do own[j] = redis.call('HMGET', ckey(n, 'leads'), unpack(q.l[j])) end
  for i, phone in ipairs(q.p) do
    local sound, h = pcall(cjson.decode, has[i] or '{}')
    if sound and type(h) == 'table' and not h.i then
      local leads = {}
      for j, n in ipairs(q.n) do
        if own[j][i] then leads[#leads + 1] = parse(n, q.l[j][i], own[j][i]) end
      end
      for n, id in string.gmatch(keyed[i] or '', '(%d+)%.(%S+)') do
        if column[n] and id ~= q.l[column[n]][i] then leads[#leads + 1] = lead(n, id) end
      end
      if take(phone, h, q.i[i], doubts[i], leads) then adopted = adopted + 1 end
    end
  end
end

local function made() return tonumber(redis.call('HGET', KEYS[1], 'made') or '0') end

local moved, asked, gained = false, '', ''
-- finish ends a walk. open: it may go on where it was.
local function finish(open)
  moved = true
  asked, gained = int(num('asked')), int(num('gained'))
  if num('gained') > num('asked') then
    put('losses', 0)
  elseif not st.left then
    put('losses', num('losses') + 1)
  end
  put('ended', q.t)
  put('again', math.max(num('again'), q.t + q.rest))
  if open and num('gained') == 0 then
    put('left', num('page'))
    put('made', made())
  else
    for _, field in ipairs({ 'left', 'made', 'low', 'high', 'miss', 'back' }) do st[field] = nil end
  end
  for _, field in ipairs({ 'stake', 'most', 'page', 'asked', 'gained', 'hits', 'token', 'till' }) do st[field] = nil end
end

-- onward chooses the page after page p, or nothing when there is no use in another one. low is the last page before which nothing is looked for
-- any more, high the first that the list has not.
local function onward(p, hit, over)
  local low, high, after = tonumber(st.low or -1), tonumber(st.high), tonumber(st.back)
  if over then high = hit and p + 1 or p end
  local to = p + 1
  if hit and p - 1 > low then -- in the middle of them: back to where they begin
    after, to = after or p + 1, p - 1
  elseif after then
    low, to, after = after - 1, after, nil
  else
    if hit or not over then low = p end
    local miss = hit and 0 or num('miss') + 1
    put('miss', miss)
    if miss > 2 then to = p + 4 ^ (miss - 2) end
    if high and not hit then to = high end
  end
  if high and to >= high then
    if high - low - 1 < 1 + math.sqrt(math.max(low, 0)) / 3 then return nil end -- fewer pages than that are not looked for
    to = math.floor((low + high) / 2)
  end
  if to > 65536 then return nil end -- three million contacts: more likely the API gives the same page for ever
  put('low', low)
  st.high, st.back = high and int(high), after and int(after)
  return to
end

if q.r and st.token == q.o then
  moved = true
  put('gained', num('gained') + adopted)
  put('hits', num('hits') + adopted)
  put('stake', math.min(num('stake') + adopted, num('most')))
  local to = num('page')
  if q.r == 'read' or q.r == 'last' then to = onward(to, num('hits') > 0, q.r == 'last') end
  if to then put('page', to) end
  if q.r == 'unsent' then
    put('stake', num('stake') + 1)
    put('asked', num('asked') - 1)
  end
  if q.w then put('again', q.w) end
  if q.x then st.unsorted = '1' end
  if q.r ~= 'part' then
    st.token, st.till = nil, nil
    if not to or num('stake') < 1 then finish(to) end
  end
end

-- turn says what one who asks for a page is told.
local function turn()
  if num('again') > q.t then -- a walk that only draws breath is not over
    return st.stake and num('again') - q.t <= q.rest and 'busy' or 'rest', num('again')
  end
  if st.token and num('till') > q.t then return 'busy', num('till') end
  if st.stake and (num('stake') < 1 or q.u < 2 or q.t - num('at') > q.stale) then
    finish(false)
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
    local earned = st.left and q.t - num('ended') < q.day and math.floor((made() - num('made')) / q.min) or 0
    if fresh >= need then
      for j, n in ipairs(q.n) do put('seen:' .. n, seen[j]) end
      put('most', math.min(math.floor(fresh / q.min), q.most))
      put('stake', num('most'))
      put('page', 0)
      for _, field in ipairs({ 'left', 'made', 'low', 'high', 'miss', 'back' }) do st[field] = nil end
    elseif earned > 0 and q.u >= q.min then
      put('most', q.most)
      put('stake', math.min(earned, q.most))
      put('page', num('left'))
    else
      return 'rest', q.t + q.rest
    end
  end
  moved = true
  put('stake', num('stake') - 1)
  put('asked', num('asked') + 1)
  put('hits', 0)
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
