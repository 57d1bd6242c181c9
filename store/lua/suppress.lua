-- suppress.lua puts phones on a do-not-call list and closes their leads that are not being called. The epoch of the list's
-- scope rises in the same step, so a decision made before it is void.
--
-- KEYS  1 the team's hash; the global list is that of a team called "global", which has no campaigns
-- ARGV  1 scope: team, campaign, or leads (no list: what a number on the global list means for a team)
--       2 N of the campaign, with scope campaign, else ""   3 what to remember of each number, as JSON, or ""
--       4 how many campaigns' leads follow each phone = c, then c campaign numbers, then for each phone: phone, c lead ids
-- returns ok, numbers that were new, leads closed, the epoch now in force
local scope, own, info, c = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local home, list, about = KEYS[1], key('dnc:'), key('dncinfo')
if scope == 'campaign' then home, list, about = base .. 'c:' .. own, ckey(own, 'dnc:'), ckey(own, 'dncinfo') end

local function close(n, id, phone)
  local L = lead(n, id)
  if L and L.rec.p == phone and suppress_lead(L) then return 1 end
  return 0
end

local added, closed = 0, 0
local i = 5 + c
while i <= #ARGV do
  local phone = ARGV[i]
  if scope ~= 'leads' and redis.call('SADD', list .. bucket(phone), digits(phone)) == 1 then
    added = added + 1
    if info ~= '' then
      redis.call('HSET', about, phone, info)
      record('dnc_add', { n = own, p = phone, x = scope, d = info })
    end
  end
  for j = 1, c do
    closed = closed + close(ARGV[4 + j], ARGV[i + j], phone)
  end
  for name in string.gmatch(redis.call('HGET', key('keyed'), phone) or '', '%S+') do
    local n, id = string.match(name, '^(%d+)%.(.+)$')
    if scope ~= 'campaign' or n == own then closed = closed + close(n, id, phone) end
  end
  i = i + 1 + c
end
tally(home, 'dnc', added)
if info == '' and added > 0 then record('dnc_import', { n = own, x = int(added) }) end
if scope == 'leads' or added > 0 or closed > 0 then redis.call('HINCRBY', home, 'epoch', 1) end
return { 'ok', int(added), int(closed), redis.call('HGET', home, 'epoch') or '0' }
