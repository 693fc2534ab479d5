-- Releases the probes that are still held by this claimant. KEYS: the probes. ARGV: id of the claimant. Returns how many it released.
local released = 0
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then released = released + redis.call('DEL', key) end
end
return released
