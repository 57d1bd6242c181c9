-- hold.lua takes a lead out of calling until somebody says more about it: a worker's claimed lead, or any lead by hand.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 lead   3 token, "" = by hand   4 reason   5 note or ""
-- returns ok; or fenced, missing, conflict (by hand: the lead is being called, or closed)
local L, refusal = mine(ARGV[1], ARGV[2], ARGV[3])
if not L then return refusal end
local s = state(L)
if not queued(s) and s ~= 'held' then return { 'conflict', 'new, staged, waiting or held', s } end
detain(L.rec, ARGV[4])
if ARGV[5] ~= '' then L.rec.t = ARGV[5] end
save(L)
return { 'ok' }
