-- Adds to what was used on one day, and says what all have used on it: names and sums by turns.
-- KEYS: sums by name (hash). ARGV: kept ms, node, number of this message; then a name, the sums that the node knows of without what it
-- adds, and what it adds, again and again. Sums are four numbers each. A message that comes again, because its answer came too
-- late, counts once; should the sums have been lost, what a node knows mends them.
local function numbers(text)
  local list = {}
  for number in string.gmatch(text, '%d+') do list[#list + 1] = tonumber(number) end
  return list
end

if redis.call('HGET', KEYS[1], ARGV[2]) ~= ARGV[3] then
  for index = 4, #ARGV, 3 do
    local sums = numbers(redis.call('HGET', KEYS[1], ARGV[index]) or '0 0 0 0')
    local known, more = numbers(ARGV[index + 1]), numbers(ARGV[index + 2])
    for place = 1, 4 do sums[place] = string.format('%.0f', math.max(sums[place], known[place]) + more[place]) end
    redis.call('HSET', KEYS[1], ARGV[index], table.concat(sums, ' '))
  end
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return redis.call('HGETALL', KEYS[1])
