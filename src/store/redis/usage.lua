-- Adds to what was used on one day, and says what everybody has used on it: names and sums by turns.
-- KEYS: sums by name (hash). ARGV: milliseconds that are kept; then a name, the sums that the sender knows of without what it adds,
-- and what it adds, again and again. Sums are four numbers each. Should the server have lost some, the sender's knowledge mends it.
local function numbers(text)
  local list = {}
  for number in string.gmatch(text, '%d+') do list[#list + 1] = tonumber(number) end
  return list
end

for index = 2, #ARGV, 3 do
  local kept = numbers(redis.call('HGET', KEYS[1], ARGV[index]) or '0 0 0 0')
  local known, more = numbers(ARGV[index + 1]), numbers(ARGV[index + 2])
  for place = 1, 4 do kept[place] = string.format('%.0f', math.max(kept[place], known[place]) + more[place]) end
  redis.call('HSET', KEYS[1], ARGV[index], table.concat(kept, ' '))
end
if #ARGV > 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return redis.call('HGETALL', KEYS[1])
