-- stage_failed.lua puts off a claimed lead whose contact could not be made, for longer each time. One that has failed often enough is
-- held: sooner when the contacts of others were made since its last failure, as the fault is then its own and not the API's.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 lead   3 token   4 now ms   5 first wait ms   6 failures that hold it while others succeed   7 failures that hold it
--       8 what the API said
-- returns ok, the lead's new state; or fenced, missing
local L, refusal = mine(ARGV[1], ARGV[2], ARGV[3])
if not L then return refusal end
local rec = L.rec
local made = tonumber(redis.call('HGET', KEYS[1], 'made') or '0')
if fail(rec, made, { now = ARGV[4], wait = ARGV[5], others = ARGV[6], ever = ARGV[7] }) then
  detain(rec, 'invalid_contact')
  rec.t = ARGV[8]
  record('hold', { n = L.n, l = L.id, p = rec.p, r = rec.r, m = rec.t, x = 'held' })
else
  rec.r, rec.t = 'invalid_contact', ARGV[8]
end
save(L)
return { 'ok', state(L) }
