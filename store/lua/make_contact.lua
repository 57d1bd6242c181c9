-- make_contact.lua lets one worker at a time make the contact of a phone. Whoever makes it notes so first: should it be lost, the API
-- may have a contact that the record does not know, and the next one searches before making another.
--
-- KEYS  1 the team's hash
-- ARGV  1 N   2 lead   3 token   4 now ms   5 until ms: when the caller has certainly ended
-- returns ok, then known, contact id; or busy, until ms (somebody else is making it); or doubt (search first); or clear;
--         or fenced, missing; or damaged: a contact could not be written down
local L, refusal = mine(ARGV[1], ARGV[2], ARGV[3])
if not L then return refusal end
local phone, me = L.rec.p, table.concat({ ARGV[1], ARGV[2], ARGV[3] }, '.')
local h = sound_history(phone)
if not h then return { 'damaged', 'what is remembered of its phone' } end
if h.i then return { 'ok', 'known', h.i } end
local making = redis.call('HGET', key('contactdoubt'), phone)
local till, owner = string.match(making or '', '^(%d+) (.+)$')
if owner and owner ~= me and tonumber(till) > tonumber(ARGV[4]) then return { 'ok', 'busy', till } end
redis.call('HSET', key('contactdoubt'), phone, ARGV[5] .. ' ' .. me)
return { 'ok', making and 'doubt' or 'clear' }
