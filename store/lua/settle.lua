-- settle.lua ends an attempt with its disposition and says what becomes of the lead. It frees what the attempt occupied. A
-- settled attempt never changes again. One that the API refused and that rang all the same counts from now on like any other; its lead may
-- be elsewhere by now.
--
-- KEYS  1 the team's hash
-- ARGV  1 attempt id   2 now ms   3 the settlement as JSON: z disposition, w status, x 1: a word that nobody knows, y seconds,
--         c call id, f 1: transferred,
--         conversation 1, answered 1 (or nobody can tell), refusal 1, state closed, waiting or held, d due ms, m 1: promised,
--         r reason, t note, p the lead's next phone, u 1: an automation follows, o 1: the contact that was called is not the
--         phone's
--       4 results as JSON or ""   5 recording, for the record of decisions, or ""   6 event of the inbox that told it, or ""
-- returns ok, the lead's new state; or again (settled already; the call's id is remembered), missing, damaged
local id, now, q = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local L, a = find(id)
if not L then return { 'missing' } end
local n, rec, s = L.n, L.rec, attempt_state(a)
local denied, phone = s == 'refused', a.p or rec.p
local h = s ~= 'settled' and sound_history(phone)
if h == nil then return { 'damaged', 'what is remembered of its phone' } end -- before anything is written; the event stays
if q.c then
  if a.c ~= q.c or s == 'settled' then name_call(a, id, q.c, 'HSETNX') end -- the API may have named it already
  redis.call('ZADD', key('callsage'), 'NX', now, q.c)
end
drop_event(ARGV[6])
if s == 'settled' then return { 'again' } end
if a.c and a.c ~= q.c then redis.call('ZADD', key('callsage'), 'NX', now, a.c) end

-- Time is charged by the minute that has begun. Where nobody can tell how long people talked, what was reserved is.
local charge = math.ceil((q.y or 0) / 60) * 60
if not q.y and (q.conversation or q.answered) and a.b then charge, a.g = a.b, a.b end

local contact
if denied then
  ring(h, a)
  count_call(n, a, 1)
  contact = contact_of(rec.p)
else
  contact = land(L, a, id, h)
end
if q.o then contact, h.i = nil, nil end
turn(n, a, 'settled')
record('end', { t = now, n = n, l = L.id, p = phone, a = id, i = a.i, d = ARGV[3], x = ARGV[5] or '' })
a.z, a.y = q.z, q.y
if q.w or not a.x then say_word(L, a, q.w, q.x) end -- one that nobody knew stays, where the end had no word
if q.f then a.f = 1 end
if q.conversation then
  local over = math.floor(a.t / 1000) + (q.y or 0)
  if not h.c or over > h.c then h.c = over end
end
if q.refusal then h.x = math.max(h.x or 0, math.floor(a.t / 1000) + (q.y or 0)) end
save_history(phone, h)
count(n, 'sec:spent', charge)
tally(key('days'), 'talk:' .. int(math.floor((a.j or a.d) / 100)), charge)
if q.u then redis.call('ZADD', key('follows'), now, id) end
if ARGV[4] ~= '' then redis.call('HSET', ckey(n, 'results'), L.id, ARGV[4]) end

-- A lead whose call was refused goes on with what has happened to it since: another call, an end, a hold by hand.
if denied then
  local elsewhere = rec.a[#rec.a] ~= a or rec.p ~= phone or not (queued(state(L)) or state(L) == 'held' and rec.r == 'invalid_contact')
  if elsewhere then
    save(L)
    return { 'ok', state(L) }
  end
end

-- Promise and urgency were for this call.
finish(rec, q.r)
rec.z, rec.g, rec.t = q.z, nil, q.t
if q.state ~= 'closed' then
  if q.p and q.p ~= phone then
    rec.h = rec.h or phone
    move_phone(L, q.p)
    contact = nil
  end
  if suppressed(n, rec.p) then
    rec.r = 'suppressed'
  elseif q.state == 'held' then
    detain(rec, q.r)
    rec.t = q.t
  else
    rec.d, rec.m = q.d, q.m
    rec.s = natural(rec, contact)
  end
end
save(L)
return { 'ok', state(L) }
