-- unsuppress.lua takes phones off a do-not-call list and remembers who did so and why. Closed leads stay closed.
--
-- KEYS  1 the hash of the team, or of the team "global"
-- ARGV  1 N of the campaign or "" (the team's own list)   2 what to remember of each removal, as JSON   then the phones
-- returns ok, numbers removed
local home, list, about, gone = KEYS[1], key('dnc:'), key('dncinfo'), key('dncgone')
if ARGV[1] ~= '' then
  home, list = base .. 'c:' .. ARGV[1], ckey(ARGV[1], 'dnc:')
  about, gone = ckey(ARGV[1], 'dncinfo'), ckey(ARGV[1], 'dncgone')
end
local removed = 0
for i = 3, #ARGV do
  local phone = ARGV[i]
  if redis.call('SREM', list .. bucket(phone), digits(phone)) == 1 then
    removed = removed + 1
    redis.call('HDEL', about, phone)
    redis.call('HSET', gone, phone, ARGV[2])
    record('dnc_remove', { n = ARGV[1], p = phone, d = ARGV[2] })
  end
end
tally(home, 'dnc', -removed)
return { 'ok', int(removed) }
