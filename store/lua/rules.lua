-- rules.lua stores what the operator adds to the law. The same again changes nothing.
--
-- KEYS  1 the hash of the team "global"
-- ARGV  1 the amendment as JSON, {} for none   2 its checksum   3 now ms   4 who
-- returns ok or again (nothing changed), the number of the rules in force, 0 when there never were any
local rules = key('rules')
if (redis.call('HGET', rules, 'doc') or '{}') == ARGV[1] then return { 'again', redis.call('HGET', rules, 'n') or '0' } end
redis.call('HSET', rules, 'doc', ARGV[1], 'sum', ARGV[2], 'at', ARGV[3], 'by', ARGV[4])
return { 'ok', int(redis.call('HINCRBY', rules, 'n', 1)) }
