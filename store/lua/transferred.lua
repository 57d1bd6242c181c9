-- transferred.lua remembers that an open attempt's call was handed to a person. It does not end the attempt.
--
-- KEYS  1 the team's hash
-- ARGV  1 attempt id
-- returns ok; or again (known already, or the attempt is over), missing
local L, a = find(ARGV[1])
if not L then return { 'missing' } end
local s = attempt_state(a)
if s == 'settled' or s == 'refused' or a.f then return { 'again' } end
a.f = 1
save(L)
return { 'ok' }
