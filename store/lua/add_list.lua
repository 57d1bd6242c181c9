-- add_list.lua stores the head of a list. A list's id stands for its content, so it never changes.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 campaign   3 list id   4 list as JSON
-- returns ok; or again (it was there), gone, conflict (another list has this id)
if not known(ARGV[1], ARGV[2]) then return { 'gone' } end
local lists = ckey(ARGV[1], 'lists')
if redis.call('HSETNX', lists, ARGV[3], ARGV[4]) == 1 then return { 'ok' } end
if redis.call('HGET', lists, ARGV[3]) == ARGV[4] then return { 'again' } end
return { 'conflict', 'the list that was stored under this id', 'another one' }
