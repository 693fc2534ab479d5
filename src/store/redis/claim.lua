-- Claims what replicas must share, all of it or none: one request of a limited daily quota, and probes, each of which only one replica
-- may make at a time.
-- KEYS: the day's claims (hash); then one key per probe. ARGV: field of the hash, or empty for no quota; limit; requests that the node
-- knows were made; TTL in ms; id of the claimant; ms after which another replica may probe.
-- Returns 0 and 0 on success; 1 and for how many ms a probe is still taken; or 2 and the number of claims if the quota is exhausted.
local longest = 0
for key = 2, #KEYS do longest = math.max(longest, redis.call('PTTL', KEYS[key])) end
if longest > 0 then return { 1, longest } end
if ARGV[1] ~= '' then
  -- A lost counter is restored from what the node knows.
  local count = math.max(tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0'), tonumber(ARGV[3]))
  if count >= tonumber(ARGV[2]) then return { 2, count } end
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', count + 1))
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
for key = 2, #KEYS do redis.call('SET', KEYS[key], ARGV[5], 'PX', ARGV[6]) end
return { 0, 0 }
