-- list_part.lua reads a part of a do-not-call list.
--
-- KEYS  1 the team's hash
-- ARGV  1 N of the campaign or "" (the team's own list)   2 first bucket   3 last bucket
-- returns ok, then the numbers without their plus signs
local list = key('dnc:')
if ARGV[1] ~= '' then list = ckey(ARGV[1], 'dnc:') end
local reply = { 'ok' }
for bucket = tonumber(ARGV[2]), tonumber(ARGV[3]) do
  for _, number in ipairs(redis.call('SMEMBERS', list .. int(bucket))) do reply[#reply + 1] = number end
end
return reply
