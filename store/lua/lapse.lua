-- lapse.lua takes an open attempt's place in flight from it: its call is over by now, whatever became of it, and its place is for
-- another one. All else about it stays as it is until an outcome is found.
--
-- KEYS  1 the team's hash
-- ARGV  1 attempt id
-- returns ok or again; or missing (it is over, or still sending)
local id = ARGV[1]
if not redis.call('ZSCORE', key('open'), id) then return { 'missing' } end
local L, a = find(id)
if not L then return { 'missing' } end
if a.u then return { 'again' } end
flight(L.n, a.i, -1)
a.u = 1
save(L)
return { 'ok' }
