-- keep_claim.lua lets a worker keep a claimed lead for longer, and the contact of its phone, if it is making that.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 lead   3 token   4 until ms
-- returns ok; or fenced, missing
local L, refusal = mine(ARGV[1], ARGV[2], ARGV[3])
if not L then return refusal end
redis.call('ZADD', key('claims'), 'XX', ARGV[4], ARGV[1] .. '.' .. ARGV[2])
local me = table.concat({ ARGV[1], ARGV[2], ARGV[3] }, '.')
if string.match(redis.call('HGET', key('contactdoubt'), L.rec.p) or '', '^%d+ (.+)$') == me then
  redis.call('HSET', key('contactdoubt'), L.rec.p, ARGV[4] .. ' ' .. me)
end
return { 'ok' }
