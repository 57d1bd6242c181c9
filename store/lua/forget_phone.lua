-- forget_phone.lua erases what a team remembers of a phone beside its leads. On a do-not-call list the number itself stays, without who
-- put it there and why. That somebody was forgotten goes into the record of decisions, and not who.
--
-- KEYS  1 the hash of the team, or of the team "global"
-- ARGV  1 phone   2 who   3 why   4 how many leads were erased   then the team's campaigns' numbers
-- returns ok; or conflict (an attempt on it is open)
local phone = ARGV[1]
local h = history(phone)
if h.o then return { 'conflict', 'a phone without an open attempt', 'attempt ' .. h.o } end
if h.i then redis.call('HDEL', key('contactopen'), h.i) end
-- contacts is of earlier states of the first version, which kept them apart.
for _, name in ipairs({ 'contactdoubt', 'contacts', 'phones', 'keyed', 'dncinfo', 'dncgone' }) do
  redis.call('HDEL', key(name), phone)
end
for i = 5, #ARGV do
  redis.call('HDEL', ckey(ARGV[i], 'dncinfo'), phone)
  redis.call('HDEL', ckey(ARGV[i], 'dncgone'), phone)
end
record('forget', { b = ARGV[2], m = ARGV[3], x = ARGV[4] })
return { 'ok' }
