-- roster.lua keeps what the API has said about a team's agents. The last to ask is believed: a stamp of a wrong clock must not last.
--
-- KEYS  1 the team's hash
-- ARGV  1 the roster as JSON
-- returns ok
redis.call('HSET', KEYS[1], 'agents', ARGV[1])
return { 'ok' }
