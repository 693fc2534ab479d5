-- Adds a node's usage to the sums of one day, and returns the sums of all nodes: names and sums in turn (and each node's last message
-- number, under its id).
-- KEYS: sums by name (hash). ARGV: TTL in ms, node, number of this message; then, for each name: the name, the sums that the node knows
-- without its addition, and the addition. Each sum is four numbers. A message that is repeated because its answer came too late counts
-- once. Lost sums are restored from what the node knows.
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
