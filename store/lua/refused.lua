-- refused.lua records that an attempt cannot have rung, and takes back everything that it counted for.
--
-- KEYS  1 the team's hash
-- ARGV  1 attempt id   2 what follows: again, putoff, held or restage   3 due ms or ""   4 reason or ""   5 note or ""
--       6 token of the claim that began it: an attempt of the same number that somebody else began, after this record was lost, is not
--         the caller's to take back
--       7 now ms   8 first wait ms   9 failures that hold it while others' calls are taken   10 failures that hold it   (with putoff)
-- returns ok, the lead's new state; or again (no longer sending), missing, fenced
local kept = 4 -- refused attempts that stay listed; a lead may be refused many times while the API says 429

local id, next_, reason = ARGV[1], ARGV[2], ARGV[4] ~= '' and ARGV[4] or nil
local L, a = find(id)
if not L then return { 'missing' } end
if attempt_state(a) ~= 'sending' then return { 'again' } end
if a.o ~= ARGV[6] then return { 'fenced' } end
local n, rec = L.n, L.rec
local h = history(rec.p)
land(L, a, id, h)
turn(n, a, 'refused')
if next_ == 'putoff' then
  local calls = counters(ckey(n, 'count'), { 'a:accepted', 'a:settled' })
  local q = { now = ARGV[7], wait = ARGV[8], others = ARGV[9], ever = ARGV[10] }
  if fail(rec, calls['a:accepted'] + calls['a:settled'], q) then next_ = 'held' end
end
record('refused', { n = n, l = L.id, p = rec.p, a = id, i = a.i, r = ARGV[4], m = ARGV[5], x = next_ })
local at, calls, taken = math.floor(a.t / 1000), {}, false
for _, t in ipairs(h.t or {}) do
  if t == at and not taken then
    taken = true
  else
    calls[#calls + 1] = t
  end
end
h.t = calls
save_history(rec.p, h)
count_call(n, a, -1)

local refused = 0
for _, b in ipairs(rec.a) do
  if b.s == 'refused' then refused = refused + 1 end
end
if refused > kept then
  for i, b in ipairs(rec.a) do
    if b.s == 'refused' then
      table.remove(rec.a, i)
      rec.o = (rec.o or 0) + 1
      break
    end
  end
end

if suppressed(n, rec.p) then
  finish(rec, 'suppressed')
  rec.z = 'suppressed'
elseif next_ == 'held' then
  detain(rec, reason)
else
  if next_ == 'restage' then
    h.i = nil
    save_history(rec.p, h)
    rec.g, rec.f, rec.v = 1, nil, nil -- from now on it is the contact that may fail
  end
  rec.d = ARGV[3] ~= '' and tonumber(ARGV[3]) or rec.d
  rec.s, rec.r = natural(rec), reason
  if rec.s == 'staged' and (ARGV[3] ~= '' or next_ == 'putoff') then rec.s = 'waiting' end
end
if ARGV[5] ~= '' and rec.s ~= 'closed' then rec.t = ARGV[5] end
save(L)
return { 'ok', state(L) }
