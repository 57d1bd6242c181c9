-- hold.lua takes a lead out of calling until somebody says more about it: a worker's claimed lead, or any lead by hand.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 lead   3 token, "" = by hand   4 reason   5 note or ""
--       6 the decision as JSON, when it is one that binds, or ""   7 who, by hand
-- returns ok; or fenced, missing, conflict (by hand: the lead is being called, or closed)
local L, refusal = mine(ARGV[1], ARGV[2], ARGV[3])
if not L then return refusal end
local s = state(L)
if not queued(s) and s ~= 'held' then return { 'conflict', 'new, staged, waiting or held', s } end
detain(L.rec, ARGV[4])
if ARGV[5] ~= '' then L.rec.t = ARGV[5] end
save(L)
record(ARGV[6] ~= '' and 'refusal' or 'hold', {
  n = L.n, l = L.id, p = L.rec.p, r = ARGV[4], m = ARGV[5], x = 'held', d = ARGV[6], b = ARGV[7],
})
return { 'ok' }
