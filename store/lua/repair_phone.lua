-- repair_phone.lua makes what the team remembers of a phone what the attempts say. What it remembers of conversations and refusals only
-- becomes later: the records of attempts do not tell all of it.
--
-- KEYS  1 the team's hash
-- ARGV  1 phone   2 who   3 c: last conversation, s, by the attempts, or 0   4 x: last no   5 seconds from which on attempts must be
--         remembered   6 its contact, as the index of open contacts has it, or ""   7 how many of the remembered times no attempt
--         accounts for = k   then these k times, then the phone's attempts
-- returns ok, then what was changed, in words
local phone, who, oldest, k = ARGV[1], ARGV[2], tonumber(ARGV[5]), tonumber(ARGV[7])
local reply = { 'ok' }
local function say(what) reply[#reply + 1] = what end

local h = sound_history(phone)
if not h then
  h = { i = contact_of(phone) or ARGV[6] ~= '' and ARGV[6] or nil }
  say('it could not be read')
end

-- rang is when an attempt rang this phone, if it did, and whether it is open.
local function rang(id)
  local found, L, a = pcall(find, id)
  if not found or not L or (a.p or L.rec.p) ~= phone then return nil, false end
  local s = attempt_state(a)
  if s == 'refused' then return nil, false end
  return math.floor(a.t / 1000), s ~= 'settled'
end

local open = nil
if h.o then
  local _, still = rang(h.o)
  if still then open = h.o end
end
local missing, times = {}, h.t or {}
for i = 1, k do
  for j, t in ipairs(times) do
    if t == tonumber(ARGV[7 + i]) then
      table.remove(times, j)
      say('an attempt that there is not')
      break
    end
  end
end
local have = {}
for _, t in ipairs(times) do have[t] = (have[t] or 0) + 1 end
for i = 8 + k, #ARGV do
  local t, is_open = rang(ARGV[i])
  if is_open and not open then open = ARGV[i] end
  if t and (have[t] or 0) > 0 then
    have[t] = have[t] - 1
  elseif t and t >= oldest then
    missing[#missing + 1] = t
    say('an attempt that was forgotten')
  end
end
for _, t in ipairs(missing) do times[#times + 1] = t end
table.sort(times)
h.t = times
if h.o ~= open then
  h.o = open
  say(open and 'its open attempt' or 'no open attempt')
end
for name, at in pairs({ c = tonumber(ARGV[3]), x = tonumber(ARGV[4]) }) do
  if at > (h[name] or 0) then
    h[name] = at
    say(name == 'c' and 'its last conversation' or 'its last no')
  end
end
save_history(phone, h)
if #reply > 1 then record('repair', { p = phone, m = 'what is remembered of the phone: ' .. table.concat(reply, ', ', 2), b = who }) end
return reply
