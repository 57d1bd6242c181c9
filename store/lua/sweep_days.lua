-- sweep_days.lua forgets what was counted on days that are long over. fsck passes over what is older than the day that this notes.
--
-- KEYS  1 the team's hash
-- ARGV  1 the first day that is kept, YYYYMMDD
-- returns ok, counters forgotten; or again (was done for this day)
local first = ARGV[1]
local done = redis.call('HGET', KEYS[1], 'daysfrom')
if done and done >= first then return { 'again' } end
redis.call('HSET', KEYS[1], 'daysfrom', first)

local forgotten = 0
local function trim(hash)
  local gone = {}
  for _, field in ipairs(redis.call('HKEYS', hash)) do
    local kind, date = string.match(field, '^(%a+):.-(%d+)$')
    if kind == 'day' or kind == 'team' or kind == 'agent' then date = string.match(field, ':(%d%d%d%d%d%d%d%d)$')
    elseif kind == 'talk' then date = date .. '31'
    else date = nil end
    if date and date < first then gone[#gone + 1] = field end
  end
  for i = 1, #gone, 1000 do redis.call('HDEL', hash, unpack(gone, i, math.min(i + 999, #gone))) end
  forgotten = forgotten + #gone
end
trim(key('days'))
for _, n in ipairs(redis.call('HVALS', key('campaigns'))) do trim(ckey(n, 'count')) end
return { 'ok', int(forgotten) }
