-- sweep_old.lua forgets the ids of calls and events that nothing will ask for again.
--
-- KEYS  1 the team's hash
-- ARGV  1 ms: calls settled before   2 ms: events seen before   3 how many of each at most
-- returns ok, calls forgotten, events forgotten
local calls = redis.call('ZRANGEBYSCORE', key('callsage'), '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
if #calls > 0 then
  redis.call('ZREM', key('callsage'), unpack(calls))
  redis.call('HDEL', key('calls'), unpack(calls))
end
local seen = redis.call('ZRANGEBYSCORE', key('inboxseen'), '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
local events = {}
for _, id in ipairs(seen) do
  -- One that still waits to be dealt with stays known.
  if not redis.call('ZSCORE', key('inboxdue'), id) then events[#events + 1] = id end
end
if #events > 0 then redis.call('ZREM', key('inboxseen'), unpack(events)) end
return { 'ok', int(#calls), int(#events) }
