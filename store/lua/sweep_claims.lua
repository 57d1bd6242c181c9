-- sweep_claims.lua gives back the leads whose worker was lost.
--
-- KEYS  1 the team's hash
-- ARGV  1 now ms   2 how many at most
-- returns ok, claims ended, of them without a lead behind them
local due = redis.call('ZRANGEBYSCORE', key('claims'), '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
local strays = 0
for _, name in ipairs(due) do
  local n, id = string.match(name, '^(%d+)%.(.+)$')
  local L = n and lead(n, id)
  if L and queued(state(L)) then
    save(L)
  else
    strays = strays + 1
    redis.call('ZREM', key('claims'), name)
    redis.call('HDEL', key('tokens'), name)
  end
end
return { 'ok', int(#due), int(strays) }
