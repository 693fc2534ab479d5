-- Merges one node's state of a breaker with the stored one, and publishes the result if it changed. The newer epoch wins; within one
-- epoch, the longer cooldown and the stricter state win; an older epoch can only extend a cooldown that is still running, and a newer
-- one ends it early only if it has none. The same rules as `Breaker::merge` in src/keys/core/merge.rs.
-- KEYS: states, changes, version. ARGV: scope, node, epoch, strikes, cooldown in ms, dead, disabled, why, quota id, channel, TTL in ms.
-- Times are taken from Redis's clock, so the clocks of nodes may differ. Returns the merged state, with the remaining cooldown in ms.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local rest = tonumber(ARGV[5])
local theirs = {
  e = tonumber(ARGV[3]), s = tonumber(ARGV[4]), u = rest > 0 and now + rest or 0,
  d = ARGV[6] == '1', x = ARGV[7] == '1', w = ARGV[8], q = ARGV[9],
}
local text = redis.call('HGET', KEYS[1], ARGV[1])
local ours = text and cjson.decode(text)
local it, changed = theirs, true
if ours and theirs.e < ours.e then
  it = ours
  changed = not ours.d and not theirs.d and ours.u > now and theirs.u > ours.u + 50
  if changed then it.u = theirs.u end
elseif ours and theirs.e == ours.e then
  local longer = theirs.u > ours.u + 50
  changed = longer or theirs.s > ours.s or (theirs.d and not ours.d) or (theirs.x and not ours.x)
  it = { e = ours.e, s = math.max(ours.s, theirs.s), u = math.max(ours.u, theirs.u), d = ours.d or theirs.d, x = ours.x or theirs.x,
    w = longer and theirs.w or ours.w, q = longer and theirs.q or ours.q }
elseif ours and theirs.u > 0 and not ours.d and not theirs.d then
  it.u = math.max(ours.u, theirs.u)
end
if changed then
  it.n, it.r = ARGV[2], nil
  redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(it))
  redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[3]), ARGV[1])
  for key = 1, 3 do redis.call('PEXPIRE', KEYS[key], ARGV[11]) end
end
it.k, it.r = ARGV[1], math.max(it.u - now, 0)
local line = cjson.encode(it)
if changed then redis.call('PUBLISH', ARGV[10], line) end
return line
