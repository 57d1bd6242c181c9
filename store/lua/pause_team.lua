-- pause_team.lua stops or resumes all calls of a team and voids the decisions made before.
--
-- KEYS  1 the team's hash
-- ARGV  1 reason, "" = resume
-- returns ok, the epoch now in force
if ARGV[1] == '' then
  redis.call('HDEL', KEYS[1], 'paused')
else
  redis.call('HSET', KEYS[1], 'paused', ARGV[1])
end
return { 'ok', int(redis.call('HINCRBY', KEYS[1], 'epoch', 1)) }
