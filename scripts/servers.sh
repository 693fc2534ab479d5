# shellcheck shell=bash
# What scripts share that start servers. To be sourced.

wait_for() { # PATTERN FILE: prints the first match, waiting up to a minute
  for _ in $(seq 600); do
    if grep -om1 "$1" "$2" 2>/dev/null; then return; fi
    sleep 0.1
  done
  echo "did not appear: $1" >&2
  cat "$2" >&2
  return 1
}

# Each waits for a line in the log of a server that was just started, and prints the address in it.
simulator_url() { wait_for '^http://.*' "$1"; } # LOG
server_address() { # LOG, in JSON: HOST:PORT
  local found
  found=$(wait_for '"address":"[^"]*' "$1")
  echo "${found#*:\"}"
}
