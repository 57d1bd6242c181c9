-- defer.lua puts a claimed lead off until a time. A staged lead waits from then on; an unstaged one stays unstaged.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 lead   3 token   4 until ms   5 reason or ""
--       6 the decision as JSON, when it is one that binds, or ""
-- returns ok; or fenced, missing
local L, refusal = mine(ARGV[1], ARGV[2], ARGV[3])
if not L then return refusal end
-- A lead that is put off again for the same reason is not told of again.
if ARGV[6] ~= '' and L.rec.r ~= ARGV[5] then
  record('refusal', { n = L.n, l = L.id, p = L.rec.p, r = ARGV[5], d = ARGV[6] })
end
L.rec.d = tonumber(ARGV[4])
L.rec.r = ARGV[5] ~= '' and ARGV[5] or nil
if state(L) == 'staged' then L.rec.s = 'waiting' end
save(L)
return { 'ok' }
