-- Changes a row of a table and publishes the change; a small value is included, so that replicas need not fetch it.
-- KEYS: the row. ARGV: put, add or remove; value; TTL in ms; channel; message prefix; size of the largest value that is published.
local op, value = ARGV[1], ARGV[2]
if op == 'put' then
  redis.call('SET', KEYS[1], value, 'PX', ARGV[3])
elseif op == 'add' then
  local known = redis.call('GET', KEYS[1])
  -- A value that is not a number counts as 0.
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
