-- apply.lua stores a campaign's definition. The same definition again changes nothing; another one is a new version and voids
-- the decisions made under the old one.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 campaign   3 definition as JSON   4 now ms   5 who
-- returns ok or again (nothing changed), version
local n, name, def, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local camp = base .. 'c:' .. n
if redis.call('HGET', camp, 'def') == def then return { 'again', redis.call('HGET', camp, 'version') } end
redis.call('HSET', key('campaigns'), name, n)
redis.call('HSET', camp, 'name', name, 'def', def, 'applied_at', now)
redis.call('HINCRBY', camp, 'epoch', 1)
stir()
local version = int(redis.call('HINCRBY', camp, 'version', 1))
record('apply', { t = now, n = n, x = version, d = def, b = ARGV[5] })
return { 'ok', version }
