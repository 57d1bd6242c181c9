-- return.lua gives a claimed lead back unchanged to the queue that it belongs in.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 lead   3 token
-- returns ok; or fenced, missing
local L, refusal = mine(ARGV[1], ARGV[2], ARGV[3])
if not L then return refusal end
save(L)
return { 'ok' }
