-- drop_inbox.lua forgets an event's body; that it was seen is remembered for a while.
--
-- KEYS  1 the team's hash
-- ARGV  1 id
-- returns ok; or missing
if not drop_event(ARGV[1]) then return { 'missing' } end
return { 'ok' }
