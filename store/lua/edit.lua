-- edit.lua changes what an operator may change of a lead. A claim on it ends, so whoever holds it decides anew.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 lead   3 the edit as JSON: x {role: value, "" removes}, l lane, b priority, d due ms (0 removes), u 1 or 0: urgent
--       4 who   5 why
-- returns ok; or missing, or lane L (not known to the campaign), or conflict (lane of an open lead taken away)
local n, id, edit = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local L = lead(n, id)
if not L then return { 'missing' } end
local rec, s = L.rec, state(L)
if edit.l then
  if edit.l == '' then
    if s ~= 'held' and s ~= 'closed' then return { 'conflict', 'held or closed', s } end
    rec.l = nil
  else
    if redis.call('HEXISTS', ckey(n, 'lanes'), edit.l) == 0 then return { 'lane', edit.l } end
    rec.l = edit.l
  end
end
for role, value in pairs(edit.x or {}) do
  rec.x = rec.x or {}
  rec.x[role] = value ~= '' and value or nil
end
if edit.b then rec.b = edit.b ~= 0 and edit.b or nil end
if s ~= 'closed' and s ~= 'calling' then
  if edit.d then rec.d = edit.d ~= 0 and edit.d or nil end
  if edit.u then rec.u = edit.u ~= 0 and 1 or nil end
elseif edit.d or edit.u then
  return { 'conflict', 'new, staged, waiting or held', s }
end
save(L)
stir()
record('set', { n = n, l = id, p = rec.p, d = ARGV[3], b = ARGV[4], m = ARGV[5] })
return { 'ok' }
