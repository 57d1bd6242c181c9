-- lock.lua takes or renews a lock that one daemon at a time may hold.
--
-- KEYS  1 the hash of the team "global"
-- ARGV  1 lock   2 owner   3 now ms   4 until ms; 0 gives it back (with now 0: only from its owner, expired or not)
-- returns ok; or no, the owner
local held = redis.call('HGET', key('locks'), ARGV[1])
if held then
  local till, owner = string.match(held, '^(%d+) (.*)$')
  if owner ~= ARGV[2] and tonumber(till) > tonumber(ARGV[3]) then return { 'no', owner } end
end
if ARGV[4] == '0' then
  redis.call('HDEL', key('locks'), ARGV[1])
else
  redis.call('HSET', key('locks'), ARGV[1], ARGV[4] .. ' ' .. ARGV[2])
end
return { 'ok' }
