-- in_doubt.lua records that nobody can say whether an attempt rang.
--
-- KEYS  1 the team's hash
-- ARGV  1 attempt id   2 cause, for the operator   3 look ms: when to look it up
-- returns ok; or again (no longer sending), missing
local L, a = find(ARGV[1])
if not L then return { 'missing' } end
if attempt_state(a) ~= 'sending' then return { 'again' } end
doubt(L, a, ARGV[1], ARGV[2], ARGV[3])
return { 'ok' }
