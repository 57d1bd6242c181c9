-- return.lua gives a claimed lead back unchanged to the queue that it belongs in.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 lead   3 token   4 the decision as JSON, when it is one that binds, or ""   5 its reason
-- returns ok; or fenced, missing
local L, refusal = mine(ARGV[1], ARGV[2], ARGV[3])
if not L then return refusal end
save(L)
if ARGV[4] ~= '' then
  -- What keeps the whole campaign back is told of once for each lead that was tried, not at every try.
  local told = ARGV[5] .. ' ' .. L.id
  if redis.call('HGET', base .. 'c:' .. L.n, 'told') ~= told then
    redis.call('HSET', base .. 'c:' .. L.n, 'told', told)
    record('refusal', { n = L.n, l = L.id, p = L.rec.p, r = ARGV[5], d = ARGV[4] })
  end
end
return { 'ok' }
