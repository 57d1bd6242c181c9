-- audit.lua stands after common.lua before every script of the record. It holds the one way to write down what was decided or changed.

-- record appends an entry to the team's stream, in the same step as the change that it tells of. The archiver takes it from there to
-- disk. Fields (absent = empty): q number, one more with each entry; k kind; t ms, where the caller's time counts and not the
-- stream's; n campaign; l lead; p phone; a attempt; i agent; r reason; m note; b who did it by hand; x a word; d detail as JSON.
-- returns the entry's number
local function record(kind, fields)
  local q = redis.call('HINCRBY', KEYS[1], 'audit', 1)
  local words = { 'XADD', key('audit'), '*', 'q', int(q), 'k', kind }
  for name, value in pairs(fields) do
    if value ~= '' then
      words[#words + 1] = name
      words[#words + 1] = value
    end
  end
  redis.call(unpack(words))
  return q
end
