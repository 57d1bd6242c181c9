-- drop_inbox.lua forgets an event's body; that it was seen is remembered for a while.
--
-- KEYS  1 the team's hash
-- ARGV  1 id
-- returns ok; or missing
redis.call('ZREM', key('inboxdue'), ARGV[1])
if redis.call('HDEL', key('inbox'), ARGV[1]) == 0 then return { 'missing' } end
return { 'ok' }
