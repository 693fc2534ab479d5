-- What only one replica may do, or all together only so often: all that is asked for, or nothing.
-- KEYS: what was claimed on the day (hash); then one for each probe. ARGV: name in the hash or nothing, limit, what the node knows to
-- be used, kept ms, who asks, ms until a probe may be made by another.
-- Returns 0; 1 and for how many ms another may be probing; or 2 and what was claimed.
local longest = 0
for key = 2, #KEYS do longest = math.max(longest, redis.call('PTTL', KEYS[key])) end
if longest > 0 then return { 1, longest } end
if ARGV[1] ~= '' then
  -- What nodes know mends a count that was lost.
  local count = math.max(tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0'), tonumber(ARGV[3]))
  if count >= tonumber(ARGV[2]) then return { 2, count } end
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', count + 1))
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
for key = 2, #KEYS do redis.call('SET', KEYS[key], ARGV[5], 'PX', ARGV[6]) end
return { 0, 0 }
