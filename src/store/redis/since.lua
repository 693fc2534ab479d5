-- What has changed since a version, and a sign of life. The era tells a memory that was emptied from the one before.
-- KEYS: standings, changed, version, era, nodes. ARGV: version, node, an era to begin if there is none, kept ms.
-- Returns the era, the version, how many nodes there are, and a list of lines as stand.lua's.
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
    -- Over for two days: nobody needs it.
    redis.call('HDEL', KEYS[1], scope)
    redis.call('ZREM', KEYS[2], scope)
  end
end
return { redis.call('GET', KEYS[4]), tonumber(redis.call('GET', KEYS[3]) or '0'), redis.call('ZCARD', KEYS[5]), lines }
