-- leave_contact.lua ends a worker's making of a contact of which nothing came, or nothing that is known.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 lead   3 token   4 phone   5 1: the API may have a contact all the same
-- returns ok; or again (it is not, or no longer, the caller who makes it)
local phone, me = ARGV[4], table.concat({ ARGV[1], ARGV[2], ARGV[3] }, '.')
if string.match(redis.call('HGET', key('contactdoubt'), phone) or '', '^%d+ (.+)$') ~= me then return { 'again' } end
if ARGV[5] == '1' then
  redis.call('HSET', key('contactdoubt'), phone, '1')
else
  redis.call('HDEL', key('contactdoubt'), phone)
end
return { 'ok' }
