-- Words about breakers that have changed since a time, that time included; first of all, what time it is.
-- KEYS: words by scope (hash), scopes by the time of their last change (sorted set). ARGV: the time.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = { tostring(now) }
for _, scope in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], ARGV[1], '+inf')) do
  local known = redis.call('HGET', KEYS[1], scope)
  if known then
    local word = cjson.decode(known)
    if word.ends then word.left, word.ends = math.max(word.ends - now, 0), nil end
    answer[#answer + 1] = cjson.encode(word)
  end
end
return answer
