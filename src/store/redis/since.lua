-- Returns the breaker states that changed since a version, and registers the node as alive. The era changes when Redis has lost its data.
-- KEYS: states, changes, version, era, nodes. ARGV: version, node, the era to set if there is none, TTL in ms.
-- Returns the era, the version, the number of nodes, and a list of states in the format of stand.lua.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[5], now, ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now - 10000)
redis.call('PEXPIRE', KEYS[5], 60000)
redis.call('SET', KEYS[4], ARGV[3], 'NX')
redis.call('PEXPIRE', KEYS[4], ARGV[4])
local lines = {}
for _, scope in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf')) do
  local text = redis.call('HGET', KEYS[1], scope)
  local it = text and cjson.decode(text)
  if it and (it.d or it.x or it.u > now - 172800000 or it.u == 0) then
    it.k, it.r = scope, math.max(it.u - now, 0)
    lines[#lines + 1] = cjson.encode(it)
  elseif it then
    -- Ended more than two days ago: no longer needed.
    redis.call('HDEL', KEYS[1], scope)
    redis.call('ZREM', KEYS[2], scope)
  end
end
return { redis.call('GET', KEYS[4]), tonumber(redis.call('GET', KEYS[3]) or '0'), redis.call('ZCARD', KEYS[5]), lines }
