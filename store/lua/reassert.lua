-- reassert.lua writes down an attempt that may have rung and that this server does not know: it took the place of one that did.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 campaign   3 lead   4 the attempt as JSON: k number, t begun ms, e deadline ms, d day as YYYYMMDD, j the team's, i agent, b seconds
--         reserved, o token, p phone, c contact
-- returns ok; or again (it is there), gone, missing, conflict (the lead or its phone has gone on without it)
local n, name, id, q = ARGV[1], ARGV[2], ARGV[3], cjson.decode(ARGV[4])
if not known(n, name) then return { 'gone' } end
local L = lead(n, id)
if not L then return { 'missing' } end
local rec = L.rec
local attempts = rec.a or {}
for _, a in ipairs(attempts) do
  if a.n == q.k and a.t == q.t then return { 'again' } end
end
local attempt = n .. '.' .. id .. '.' .. int(q.k)
local last = attempts[#attempts]
local h = history(q.p)
if state(L) == 'calling' or last and last.n >= q.k then return { 'conflict', 'attempt ' .. int(q.k), 'a later one' } end
if rec.p ~= q.p or h.o then return { 'conflict', 'a free phone', h.o or 'another phone' } end

h.i = h.i or q.c
local a = { n = q.k, s = 'sending', t = q.t, e = q.e, d = q.d, j = q.j, i = q.i, b = q.b, o = q.o }
a.q = record('begin', { t = int(q.t), n = n, l = id, p = q.p, a = attempt, i = q.i, m = 'written down anew: this redis did not know it' })
occupy(L, a, attempt, h)
return { 'ok' }
