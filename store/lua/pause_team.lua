-- pause_team.lua stops or resumes all calls of a team and voids the decisions made before.
--
-- KEYS  1 the team's hash
-- ARGV  1 reason, "" = resume   2 who
-- returns ok, the epoch now in force
if (redis.call('HGET', KEYS[1], 'paused') or '') ~= ARGV[1] then
  record(ARGV[1] == '' and 'team_resume' or 'team_pause', { m = ARGV[1], b = ARGV[2] })
end
if ARGV[1] == '' then
  redis.call('HDEL', KEYS[1], 'paused')
else
  redis.call('HSET', KEYS[1], 'paused', ARGV[1])
end
return { 'ok', int(redis.call('HINCRBY', KEYS[1], 'epoch', 1)) }
