-- follow.lua takes an attempt off the list of those whose automation is still to be triggered, puts it back, or puts it off. Whoever has
-- taken it off triggers it: nobody else will.
--
-- KEYS  1 the team's hash
-- ARGV  1 attempt id   2 due ms: put it back, or off; "" = take it off   3 NX: back; XX: off, if it is on the list
-- returns ok; or again (it was off, or on, already)
local changed
if ARGV[2] == '' then
  changed = redis.call('ZREM', key('follows'), ARGV[1])
else
  changed = redis.call('ZADD', key('follows'), ARGV[3], 'CH', ARGV[2], ARGV[1])
end
return { changed == 1 and 'ok' or 'again' }
