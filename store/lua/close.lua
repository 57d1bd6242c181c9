-- close.lua ends a lead: a worker's claimed one, or any lead by hand.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 lead   3 token, "" = by hand   4 disposition or "" (as it was)   5 reason or ""   6 note or ""
--       7 the decision as JSON, when it is one that binds, or ""   8 who, by hand
-- returns ok; or again (by hand: was closed already), fenced, missing, conflict (by hand: the lead is being called)
local L, refusal = mine(ARGV[1], ARGV[2], ARGV[3])
if not L then return refusal end
local s = state(L)
if s == 'closed' then return { 'again' } end
if s == 'calling' then return { 'conflict', 'new, staged, waiting or held', s } end
finish(L.rec, ARGV[5] ~= '' and ARGV[5] or nil)
if ARGV[4] ~= '' then L.rec.z = ARGV[4] end
if ARGV[6] ~= '' then L.rec.t = ARGV[6] end
save(L)
record(ARGV[7] ~= '' and 'refusal' or 'close', {
  n = L.n, l = L.id, p = L.rec.p, r = ARGV[5], m = ARGV[6], x = ARGV[4], d = ARGV[7], b = ARGV[8],
})
return { 'ok' }
