-- staged.lua records the contact of a claimed lead and gives the lead back to its lane, now ready to be called. A phone has one
-- contact in a team: the first that was recorded stays.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 lead   3 token   4 contact id
-- returns ok, contact id in force; or fenced, missing, damaged
local L, refusal = mine(ARGV[1], ARGV[2], ARGV[3])
if not L then return refusal end
local rec = L.rec
local h = sound_history(rec.p)
if not h then return { 'damaged', 'what is remembered of its phone' } end
if not h.i then
  h.i = ARGV[4]
  save_history(rec.p, h)
  redis.call('HINCRBY', KEYS[1], 'made', 1)
end
redis.call('HDEL', key('contactdoubt'), rec.p)
if state(L) == 'new' then rec.s = natural(rec, h.i) end
if rec.f then rec.f, rec.v, rec.r, rec.t = nil, nil, nil, nil end
save(L)
return { 'ok', h.i }
