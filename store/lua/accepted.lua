-- accepted.lua records that the API took the call of an attempt.
--
-- KEYS  1 the team's hash
-- ARGV  1 attempt id   2 call id or ""   3 look ms: when to look it up if nothing is heard   4 now ms
-- returns ok; or again (accepted already, or settled: only the call's id is remembered), missing, conflict (refused)
local id, call = ARGV[1], ARGV[2]
local L, a = find(id)
if not L then return { 'missing' } end
local s, named = attempt_state(a), a.c
if s == 'refused' then return { 'conflict', 'sending or unknown', s } end
name_call(a, id, call, 'HSET')
-- The settlement gives an age to the id that the attempt has. Another one is remembered as long from now on.
if call ~= '' and (s == 'settled' or call ~= a.c) then redis.call('ZADD', key('callsage'), 'NX', ARGV[4], call) end
if s == 'settled' then return { 'again' } end
if s == 'accepted' then
  if a.c ~= named then save(L) end
  return { 'again' }
end
turn(L.n, a, 'accepted')
a.e, a.o, a.w = nil, nil, nil
redis.call('ZREM', key('sending'), id)
redis.call('ZADD', key('open'), ARGV[3], id)
save(L)
return { 'ok' }
