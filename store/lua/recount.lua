-- recount.lua writes the counters anew, if no lead has been written since they were summed up.
--
-- KEYS  1 the team's hash
-- ARGV  1 token of this recount   2 how long the list of changed leads was when it was read   3 who
--       then for each hash of counters: its name behind the team's prefix, how many fields follow = k, then k times field, value
-- returns ok, then "hash field: was, is" for each that was wrong; or again (leads were written meanwhile), or fenced (another recount
--         has begun, or this one took too long)
if redis.call('LINDEX', key('changed'), 0) ~= ARGV[1] then return { 'fenced' } end
if redis.call('LLEN', key('changed')) ~= tonumber(ARGV[2]) then return { 'again' } end
local reply, i = { 'ok' }, 4
while i <= #ARGV do
  local name, k = ARGV[i], tonumber(ARGV[i + 1])
  local got, want, wrong = redis.call('HGETALL', key(name)), {}, #reply
  for j = i + 2, i + 2 * k, 2 do want[ARGV[j]] = ARGV[j + 1] end
  for j = 1, #got, 2 do
    local field, was = got[j], got[j + 1]
    if not want[field] then
      redis.call('HDEL', key(name), field)
      reply[#reply + 1] = name .. ' ' .. field .. ': ' .. was .. ', 0'
    elseif want[field] ~= was then
      redis.call('HSET', key(name), field, want[field])
      reply[#reply + 1] = name .. ' ' .. field .. ': ' .. was .. ', ' .. want[field]
    end
    want[field] = nil
  end
  for field, is in pairs(want) do
    redis.call('HSET', key(name), field, is)
    reply[#reply + 1] = name .. ' ' .. field .. ': 0, ' .. is
  end
  if #reply > wrong then record('repair', { m = 'counters, each with what it was and is: ' .. table.concat(reply, '; ', wrong + 1), b = ARGV[3] }) end
  i = i + 2 + 2 * k
end
redis.call('DEL', key('changed'))
return reply
