-- staged.lua records the contact of a claimed lead and gives the lead back to its lane, now ready to be called. A phone has one
-- contact in a team: the first that was recorded stays.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 lead   3 token   4 contact id
-- returns ok, contact id in force; or fenced, missing
local L, refusal = mine(ARGV[1], ARGV[2], ARGV[3])
if not L then return refusal end
redis.call('HSETNX', key('contacts'), L.rec.p, ARGV[4])
if state(L) == 'new' then L.rec.s = natural(L.rec) end
save(L)
return { 'ok', redis.call('HGET', key('contacts'), L.rec.p) }
