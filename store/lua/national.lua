-- national.lua puts a national do-not-call list that was loaded in force, in place of the one before, whose numbers are then to be removed.
--
-- KEYS  1 the hash of the team "global"
-- ARGV  1 country   2 the list as JSON: v version, n buckets, date   3 who
-- returns ok, the list that was in force or ""; or conflict (that one is newer)
local country, new = ARGV[1], cjson.decode(ARGV[2])
local old = redis.call('HGET', key('national'), country)
if old then
  local was = cjson.decode(old)
  if was.date > new.date then return { 'conflict', 'a list of ' .. was.date .. ' or later', 'one of ' .. new.date } end
  redis.call('HSET', key('nationalgone'), was.v, int(was.n) .. ' 0')
end
redis.call('HSET', key('national'), country, ARGV[2])
redis.call('HDEL', key('nationalgone'), new.v)
record('national', { x = country, d = ARGV[2], b = ARGV[3] })
return { 'ok', old or '' }
