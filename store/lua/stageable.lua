-- stageable.lua takes unstaged leads out of their lanes into claims, in the order of the lanes.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 campaign   3 now ms   4 expiry ms   5 token   6 how many   then the lanes
-- returns ok, then for each lead: id, record, contact id of its phone or ""; or gone
local n, now, expiry, token, want = ARGV[1], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
if not known(n, ARGV[2]) then return { 'gone' } end
local reply = { 'ok' }
for i = 7, #ARGV do
  if want <= 0 then break end
  promote(n, ARGV[i], now)
  local got = redis.call('ZPOPMIN', ckey(n, 'new:' .. ARGV[i]), want)
  for j = 1, #got, 2 do
    local raw, contact = give(n, got[j], token, expiry)
    if raw then
      want = want - 1
      reply[#reply + 1] = got[j]
      reply[#reply + 1] = raw
      reply[#reply + 1] = contact
    end
  end
end
return reply
