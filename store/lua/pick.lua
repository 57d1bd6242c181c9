-- pick.lua takes the best due lead of a campaign into a claim: urgent ones and promised callbacks first, then the first of
-- the given lanes that has one, by priority and age.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 campaign   3 now ms   4 expiry ms   5 token   then the open lanes, in order
-- returns ok, id, record, contact id or ""; or none; or gone
local n, now, expiry, token = ARGV[1], ARGV[3], ARGV[4], ARGV[5]
if not known(n, ARGV[2]) then return { 'gone' } end

-- What give says no to is gone from its queue; so many at most in one call.
local strays = 100

while strays > 0 do
  local due = redis.call('ZRANGEBYSCORE', ckey(n, 'urgent'), '-inf', now, 'LIMIT', 0, 1)
  if #due == 0 then break end
  redis.call('ZREM', ckey(n, 'urgent'), due[1])
  local raw, contact = give(n, due[1], token, expiry)
  if raw then return { 'ok', due[1], raw, contact } end
  strays = strays - 1
end

for i = 6, #ARGV do
  promote(n, ARGV[i], now)
  while strays > 0 do
    local got = redis.call('ZPOPMIN', ckey(n, 'ready:' .. ARGV[i]))
    if #got == 0 then break end
    local raw, contact = give(n, got[1], token, expiry)
    if raw then return { 'ok', got[1], raw, contact } end
    strays = strays - 1
  end
end
return { 'none' }
