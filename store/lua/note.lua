-- note.lua writes down something about a campaign that no decision depends on.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 campaign   3 imported_at, problem or barred   4 value; "" takes it away
-- returns ok; or again (an import that is not newer); or gone
local n, name, field, value = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if not known(n, name) then return { 'gone' } end
local camp = base .. 'c:' .. n
if field == 'imported_at' then
  local had = redis.call('HGET', camp, field)
  if had and tonumber(had) >= tonumber(value) then return { 'again' } end
end
if value == '' then
  redis.call('HDEL', camp, field)
else
  redis.call('HSET', camp, field, value)
end
stir()
return { 'ok' }
