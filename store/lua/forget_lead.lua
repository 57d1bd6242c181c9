-- forget_lead.lua erases a lead and leaves in its place what the counters need: a closed lead without a name, a phone or a row, under
-- an id that says nothing, with its attempts' times and outcomes.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 lead   3 the id that stands in its place
-- returns ok; or missing, conflict (it is being called)
local n, id, new = ARGV[1], ARGV[2], ARGV[3]
local L = lead(n, id)
if not L then return { 'missing' } end
if state(L) == 'calling' then return { 'conflict', 'a lead that is not being called', 'calling' } end
local rec = L.rec
finish(rec, nil)
save(L)
redis.call('HDEL', ckey(n, 'leads'), id)
redis.call('HDEL', ckey(n, 'results'), id)
unindex_phone(rec.p, n .. '.' .. id)
local attempts = {}
for _, a in ipairs(rec.a or {}) do
  redis.call('ZREM', key('follows'), n .. '.' .. id .. '.' .. int(a.n))
  if a.c then
    redis.call('HDEL', key('calls'), a.c)
    redis.call('ZREM', key('callsage'), a.c)
  end
  attempts[#attempts + 1] = {
    n = a.n, s = a.s, t = a.t, d = a.d, j = a.j, i = a.i, z = a.z, y = a.y, g = a.g, f = a.f, x = a.x, w = a.x and a.w,
  }
end
local left = { s = 'closed', p = '', q = rec.q, z = rec.z, o = rec.o, t = 'forgotten' }
if #attempts > 0 then left.a = attempts end
redis.call('HSET', ckey(n, 'leads'), new, cjson.encode(left) .. '\n')
changed(n, new)
if redis.call('HGET', base .. 'c:' .. n, 'told') then redis.call('HDEL', base .. 'c:' .. n, 'told') end
return { 'ok' }
