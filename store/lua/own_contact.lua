-- own_contact.lua tells whether a contact that the API gave for a phone, without saying whose number it has, may be the phone's: not if it
-- gave the same one for another phone. It remembers the last of them only, which is enough for an API that gives one for many.
--
-- KEYS  1 the team's hash
-- ARGV  1 phone   2 contact id
-- returns ok, 1; or ok, 0: it was another phone's
local most = 128

-- The number itself is a person's; what is left of it tells two numbers apart all but always.
local whose = int(tonumber(digits(ARGV[1])) % 65521)
local was = redis.call('HGET', key('unnamed'), ARGV[2])
if was then return { 'ok', was == whose and '1' or '0' } end
redis.call('HSET', key('unnamed'), ARGV[2], whose)
if redis.call('LPUSH', key('unnamedorder'), ARGV[2]) > most then
  redis.call('HDEL', key('unnamed'), redis.call('RPOP', key('unnamedorder')))
end
return { 'ok', '1' }
