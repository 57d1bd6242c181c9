-- name.lua gives a campaign its team and number. Names and numbers are unique over all teams, and never change hands.
--
-- KEYS  1 the hash of the team "global"
-- ARGV  1 campaign   2 team
-- returns ok, number; or taken, the team that has the name
redis.call('SADD', key('teams'), ARGV[2])
local owner = redis.call('HGET', key('campaigns'), ARGV[1])
if owner and owner ~= ARGV[2] then return { 'taken', owner } end
if owner then return { 'ok', redis.call('HGET', key('numbers'), ARGV[1]) } end
local n = int(redis.call('HINCRBY', KEYS[1], 'seq', 1))
redis.call('HSET', key('campaigns'), ARGV[1], ARGV[2])
redis.call('HSET', key('numbers'), ARGV[1], n)
redis.call('HSET', key('names'), n, ARGV[1])
return { 'ok', n }
