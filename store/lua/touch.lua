-- touch.lua says when an open attempt is looked up next.
--
-- KEYS  1 the team's hash
-- ARGV  1 attempt id   2 look ms
-- returns ok; or missing (it is over, or still sending)
if not redis.call('ZSCORE', key('open'), ARGV[1]) then return { 'missing' } end
redis.call('ZADD', key('open'), ARGV[2], ARGV[1])
return { 'ok' }
