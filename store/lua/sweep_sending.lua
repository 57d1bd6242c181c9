-- sweep_sending.lua turns attempts whose sender was lost into ones that may have rung, and forgets the deadlines of those that
-- are in doubt already.
--
-- KEYS  1 the team's hash
-- ARGV  1 deadline ms: those that ended before it   2 how many at most   3 look ms: when to look them up
-- returns ok, ended, without an attempt behind them, then the ids of those that are now unknown
local due = redis.call('ZRANGEBYSCORE', key('sending'), '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
local reply, strays = { 'ok', int(#due), '0' }, 0
for _, id in ipairs(due) do
  local L, a = find(id)
  local s = L and attempt_state(a)
  if s == 'sending' then
    doubt(L, a, id, 'the sender was lost', ARGV[3])
    reply[#reply + 1] = id
  elseif s ~= 'unknown' then
    strays = strays + 1
  end
  redis.call('ZREM', key('sending'), id)
end
reply[3] = int(strays)
return reply
