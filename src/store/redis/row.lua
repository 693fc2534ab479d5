-- A change of a table's row, told to all: with its value where that is small, so that they know it at once.
-- KEYS: the row. ARGV: put, add or remove; value; kept ms; channel; what is told before the value; the largest value that is told.
local op, value = ARGV[1], ARGV[2]
if op == 'put' then
  redis.call('SET', KEYS[1], value, 'PX', ARGV[3])
elseif op == 'add' then
  local known = redis.call('GET', KEYS[1])
  -- What is no number counts from nothing.
  if known and not string.match(known, '^-?%d+$') then redis.call('DEL', KEYS[1]) end
  local sum = redis.pcall('INCRBY', KEYS[1], value)
  if type(sum) == 'table' then redis.call('SET', KEYS[1], string.sub(value, 1, 1) == '-' and '-9223372036854775808' or '9223372036854775807') end
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  value = redis.call('GET', KEYS[1])
else
  redis.call('DEL', KEYS[1])
end
local told = ARGV[5]
if op ~= 'remove' and #value <= tonumber(ARGV[6]) then told = told .. '\n' .. value end
return redis.call('PUBLISH', ARGV[4], told)
