-- rules_team.lua voids what a team decided by the operator's rules that were in force before, and writes the change down, once.
--
-- KEYS  1 the team's hash
-- ARGV  1 number of the rules   2 the rules as JSON   3 now ms   4 who
-- returns ok, the epoch now in force
if (redis.call('HGET', KEYS[1], 'rules') or '0') ~= ARGV[1] then
  record('rules', { t = ARGV[3], x = ARGV[1], d = ARGV[2], b = ARGV[4] })
  redis.call('HSET', KEYS[1], 'rules', ARGV[1])
end
return { 'ok', int(redis.call('HINCRBY', KEYS[1], 'epoch', 1)) }
