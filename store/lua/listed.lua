-- listed.lua says which of many phones are on a team's own list.
--
-- KEYS  1 the hash of the team, or of the team "global"
-- ARGV  the phones
-- returns ok, then the phones that are on it
local reply = { 'ok' }
if not redis.call('HGET', KEYS[1], 'dnc') then return reply end
for _, phone in ipairs(ARGV) do
  if redis.call('SISMEMBER', key('dnc:' .. bucket(phone)), digits(phone)) == 1 then reply[#reply + 1] = phone end
end
return reply
