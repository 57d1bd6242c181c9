-- stageable.lua takes unstaged leads out of their lanes into claims, in the order of the lanes.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 campaign   3 now ms   4 expiry ms   5 token   6 how many   7 1: only leads that have not failed   then the lanes
-- returns ok, then for each lead: id, record, contact id of its phone or ""; or gone
local n, now, expiry, token, want = ARGV[1], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
if not known(n, ARGV[2]) then return { 'gone' } end
local last = ARGV[7] == '1' and '(' .. int(behind / 2) or '+inf'
local reply = { 'ok' }
for i = 8, #ARGV do
  if want <= 0 then break end
  promote(n, ARGV[i], now)
  local queue = ckey(n, 'new:' .. ARGV[i])
  local got = redis.call('ZRANGEBYSCORE', queue, '-inf', last, 'LIMIT', 0, want)
  if #got > 0 then redis.call('ZREM', queue, unpack(got)) end
  for _, id in ipairs(got) do
    local raw, contact = give(n, id, token, expiry)
    if raw then
      want = want - 1
      reply[#reply + 1] = id
      reply[#reply + 1] = raw
      reply[#reply + 1] = contact
    end
  end
end
return reply
