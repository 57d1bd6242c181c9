-- inbox.lua keeps an event until it has been dealt with. One that was seen before is not kept again.
--
-- KEYS  1 the team's hash
-- ARGV  1 id   2 body   3 now ms
-- returns ok; or again (seen before)
if redis.call('ZADD', key('inboxseen'), 'NX', ARGV[3], ARGV[1]) == 0 then return { 'again' } end
redis.call('HSET', key('inbox'), ARGV[1], ARGV[2])
redis.call('ZADD', key('inboxdue'), ARGV[3], ARGV[1])
return { 'ok' }
