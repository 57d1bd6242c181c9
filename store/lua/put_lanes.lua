-- put_lanes.lua makes lanes known to a campaign, or says anew what they stand for.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 campaign   then for each lane: id, place as JSON
-- returns ok; or gone
if not known(ARGV[1], ARGV[2]) then return { 'gone' } end
for i = 3, #ARGV, 2 do redis.call('HSET', ckey(ARGV[1], 'lanes'), ARGV[i], ARGV[i + 1]) end
return { 'ok' }
