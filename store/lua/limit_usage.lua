-- limit_usage: what the limiter of one API token holds now; changes nothing.
--
-- KEYS[1] permits ZSET, KEYS[2] state HASH: see limit_take
-- returns {now µs, {request id of each permit out}, {state field, value, …}}

local t = redis.call('TIME')
local now = tonumber(t[1]) * 1e6 + tonumber(t[2])
local out = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. string.format('%.0f', now), '+inf')
return { now, out, redis.call('HGETALL', KEYS[2]) }
