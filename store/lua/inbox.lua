-- inbox.lua keeps events until they have been dealt with. One that was seen before is not kept again.
--
-- KEYS  1 the team's hash
-- ARGV  1 now ms   then two of each event: id, body
-- returns ok, then of each event 1; or 0 (seen before)
local reply, bodies, due = { 'ok' }, {}, {}
for i = 2, #ARGV, 2 do
  local fresh = redis.call('ZADD', key('inboxseen'), 'NX', ARGV[1], ARGV[i])
  if fresh == 1 then
    bodies[#bodies + 1], due[#due + 1] = ARGV[i], ARGV[1]
    bodies[#bodies + 1], due[#due + 1] = ARGV[i + 1], ARGV[i]
  end
  reply[#reply + 1] = tostring(fresh)
end
if #bodies > 0 then
  redis.call('HSET', key('inbox'), unpack(bodies))
  redis.call('ZADD', key('inboxdue'), unpack(due))
end
return reply
