-- withdraw.lua closes leads whose list was withdrawn, as far as no call was placed for them. Imported again, they come back.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 campaign   3 list id   4 who   then the leads
-- returns ok, how many were closed; or gone
local n = ARGV[1]
if not known(n, ARGV[2]) then return { 'gone' } end
local list, closed = ARGV[3], 0

-- listed reports whether a row is the list's: its id stands before the first cell, or in the JSON of an ambiguous row.
local function listed(row)
  for _, head in ipairs({ '\n' .. list .. '\31', '\n{"l":"' .. list .. '"' }) do
    if string.sub(row, 1, #head) == head then return true end
  end
  return row == '\n' .. list
end

for i = 5, #ARGV do
  local L = lead(n, ARGV[i])
  if L and listed(L.row) and (queued(state(L)) or state(L) == 'held') and spent(L.rec) == 0 then
    finish(L.rec, nil)
    L.rec.z, L.rec.t, L.rec.w = 'cancelled', 'its list was withdrawn', 1
    save(L)
    record('close', { n = n, l = L.id, p = L.rec.p, x = 'cancelled', m = L.rec.t, b = ARGV[4] })
    closed = closed + 1
  end
end
return { 'ok', int(closed) }
