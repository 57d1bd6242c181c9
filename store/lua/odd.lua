-- odd.lua keeps the API's word for how the call of an attempt goes, when nobody knows that word. The attempt stays open.
--
-- KEYS  1 the team's hash
-- ARGV  1 attempt id   2 the word
-- returns ok; or again (kept already, or the API has not taken the call, or it is over), missing
local L, a = find(ARGV[1])
if not L then return { 'missing' } end
if attempt_state(a) ~= 'accepted' or a.x and a.w == ARGV[2] then return { 'again' } end
say_word(L, a, ARGV[2], 1)
save(L)
return { 'ok' }
