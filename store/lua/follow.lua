-- follow.lua takes an attempt off the list of those whose automation is still to be triggered, puts it back, or puts it off. Whoever has
-- taken it off triggers it: nobody else will.
--
-- KEYS  1 the team's hash
-- ARGV  1 attempt id   2 due ms: put it back, or off; "" = take it off   3 NX: back; XX: off, if it is on the list
--       4 the team's epoch   5 the campaign's: take it off if they are still these; absent = whatever they are
-- returns ok; or again (it was off, or on, already), stale (an epoch has gone on)
if ARGV[4] then
  local n = string.match(ARGV[1], '^%d+')
  local team, camp = redis.call('HGET', KEYS[1], 'epoch'), redis.call('HGET', base .. 'c:' .. n, 'epoch')
  if int(tonumber(team) or 0) ~= ARGV[4] or int(tonumber(camp) or 0) ~= ARGV[5] then return { 'stale' } end
end
local changed
if ARGV[2] == '' then
  changed = redis.call('ZREM', key('follows'), ARGV[1])
else
  changed = redis.call('ZADD', key('follows'), ARGV[3], 'CH', ARGV[2], ARGV[1])
end
return { changed == 1 and 'ok' or 'again' }
