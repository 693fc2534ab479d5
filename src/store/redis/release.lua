-- Probes are over, if they are still this one's. KEYS: the probes. ARGV: who made them.
local released = 0
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then released = released + redis.call('DEL', key) end
end
return released
