-- reopen.lua makes a held or closed lead one that may be called again, by hand. It takes the state that its contact and its
-- attempts give it.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 lead   3 the state that it must be in: held or closed   4 due ms or ""   5 who   6 why
-- returns ok, new state; or missing, conflict (another state, no lane to call in, or on a do-not-call list)
local L = lead(ARGV[1], ARGV[2])
if not L then return { 'missing' } end
local rec, s = L.rec, state(L)
if s ~= ARGV[3] then return { 'conflict', ARGV[3], s } end
if (rec.l or '') == '' then return { 'conflict', 'a lead whose place is known', 'no lane' } end
local scope = suppressed(L.n, rec.p)
if scope then return { 'conflict', 'a phone on no do-not-call list', 'suppressed for the ' .. scope } end
rec.s, rec.r, rec.t, rec.i, rec.g = natural(rec), nil, nil, nil, nil
if ARGV[4] ~= '' then rec.d = tonumber(ARGV[4]) end
save(L)
stir()
record(s == 'held' and 'release' or 'reopen', { n = L.n, l = L.id, p = rec.p, x = state(L), b = ARGV[5], m = ARGV[6] })
return { 'ok', state(L) }
