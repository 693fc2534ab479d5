-- Joins words about breakers with those that are known, as a breaker itself does, and tells everybody of what is new.
-- KEYS: words by scope (hash), scopes by the time of their last change (sorted set).
-- ARGV: channel, milliseconds that are kept; then a scope and its word, again and again.
-- A rest goes over the wire as what is left of it, and is kept as its end on this server's clock: others' clocks differ.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function rests(word) return word.ends and not word.dead end

-- The newer epoch wins, of equal epochs the stricter state, and no rest is cut short but by an epoch in which there is none.
local function join(known, new)
  local longest = rests(known) and rests(new) and math.max(known.ends, new.ends)
  if new.epoch < known.epoch then
    known.ends = longest or known.ends
    return known
  end
  if new.epoch == known.epoch then
    new.strikes = math.max(known.strikes, new.strikes)
    new.disabled = new.disabled or known.disabled
    if known.dead or (not new.dead and not new.ends) then
      new.dead, new.ends, new.why, new.quota_id = known.dead, known.ends, known.why, known.quota_id
    end
  end
  new.ends = longest or new.ends
  return new
end

local function same(one, other)
  -- What was rounded on the way is no news.
  local ends = math.abs((one.ends or 0) - (other.ends or 0)) < 50
  return one.epoch == other.epoch and one.strikes == other.strikes and one.dead == other.dead
    and one.disabled == other.disabled and ends
end

for index = 3, #ARGV, 2 do
  local scope, word = ARGV[index], cjson.decode(ARGV[index + 1])
  if word.left then word.ends, word.left = now + word.left, nil end
  local known = redis.call('HGET', KEYS[1], scope)
  -- Joining changes what it is given.
  local joined = known and join(cjson.decode(known), word) or word
  if not known or not same(joined, cjson.decode(known)) then
    redis.call('HSET', KEYS[1], scope, cjson.encode(joined))
    redis.call('ZADD', KEYS[2], now, scope)
    if joined.ends then joined.left, joined.ends = math.max(joined.ends - now, 0), nil end
    redis.call('PUBLISH', ARGV[1], cjson.encode(joined))
  end
end

for _, scope in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[2], 'LIMIT', 0, 100)) do
  redis.call('HDEL', KEYS[1], scope)
  redis.call('ZREM', KEYS[2], scope)
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return now
