-- set_hold.lua sets or lifts the hold of a campaign and voids the decisions made before.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 campaign   3 hold: paused, stopped, started or ""   4 now ms   5 who
-- returns ok, the epoch now in force; or gone
local n, hold = ARGV[1], ARGV[3]
if not known(n, ARGV[2]) then return { 'gone' } end
local camp = base .. 'c:' .. n
local was = redis.call('HGET', camp, 'hold')
local barred = was == 'paused' or was == 'stopped'
if hold == 'started' and was ~= 'started' or hold == '' and barred then redis.call('HSET', camp, 'started_at', ARGV[4]) end
if hold == '' then
  redis.call('HDEL', camp, 'hold')
else
  redis.call('HSET', camp, 'hold', hold)
end
if (was or '') ~= hold then
  record('campaign_hold', { t = ARGV[4], n = n, x = hold == '' and 'none' or hold, b = ARGV[5] })
end
stir()
return { 'ok', int(redis.call('HINCRBY', camp, 'epoch', 1)) }
