-- archived.lua says up to where the record of decisions is safe on disk, and takes that part out of Redis.
--
-- KEYS  1 the team's hash
-- ARGV  1 the head that the archiver began from, as JSON, or ""   2 the new head as JSON   3 the first place of the stream to keep, or ""
-- returns ok; or fenced (somebody else has written a head since)
local head = redis.call('HGET', KEYS[1], 'audithead') or ''
if head == ARGV[2] then return { 'ok' } end
if head ~= ARGV[1] then return { 'fenced' } end
redis.call('HSET', KEYS[1], 'audithead', ARGV[2])
if ARGV[3] ~= '' then redis.call('XTRIM', key('audit'), 'MINID', ARGV[3]) end
return { 'ok' }
