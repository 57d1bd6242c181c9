-- repair_beside.lua mends what a team's record keeps beside its leads.
--
-- KEYS  1 the team's hash, or that of the team "global", which has one list and nothing else
-- ARGV  1 what: list (how many numbers are on a do-not-call list), event (of the inbox), campaign (of the team), told (it has been mended)
--       2 who   3 of a list: N of its campaign or "" (the team's own); of an event: its id; of a campaign: N; else what to tell
--       4 now ms, of an event; the name, of a campaign
-- returns ok, then what was changed, in words
local what, who, of, more = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local mended
if what == 'list' then
  local home, list = KEYS[1], key('dnc:')
  if of ~= '' then home, list = base .. 'c:' .. of, ckey(of, 'dnc:') end
  local sum = 0
  for b = 0, 16383 do sum = sum + redis.call('SCARD', list .. int(b)) end
  local was = redis.call('HGET', home, 'dnc')
  local is = sum > 0 and int(sum) or false
  if is then redis.call('HSET', home, 'dnc', is) else redis.call('HDEL', home, 'dnc') end
  if was ~= is then mended = 'numbers on the list: ' .. (was or '0') .. ', ' .. (is or '0') end
elseif what == 'event' then
  local body, due = redis.call('HEXISTS', key('inbox'), of) == 1, redis.call('ZSCORE', key('inboxdue'), of)
  if body and not due then
    redis.call('ZADD', key('inboxdue'), more, of)
    mended = 'event ' .. of .. ' is to be dealt with'
  elseif due and not body then
    redis.call('ZREM', key('inboxdue'), of)
    mended = 'event ' .. of .. ' is not there'
  end
elseif what == 'campaign' then
  if known(of, more) and redis.call('HGET', key('campaigns'), more) ~= of then
    redis.call('HSET', key('campaigns'), more, of)
    stir()
    mended = 'campaign ' .. more .. ' is the team\'s'
  end
else
  mended = of
end
if not mended then return { 'ok' } end
record('repair', { n = (what == 'list' or what == 'campaign') and of ~= '' and of or nil, m = mended, b = who })
return { 'ok', mended }
