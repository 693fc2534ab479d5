"""Makes a page of what scripts/bench has measured. Wrong answers make it fail: a figure of wrong answers is none."""

import datetime
import json
import platform
import statistics
import sys

folder, rounds, held = sys.argv[1:4]


def rows(name):
    with open(f"{folder}/{name}") as lines:
        return [json.loads(line) for line in lines]


def values(name, field):
    return [row[field] for row in rows(name)]


def median(name, field):
    return statistics.median(values(name, field))


def spread(name, field):
    found = values(name, field)
    return f"{statistics.median(found):.1f} ({min(found):.1f}–{max(found):.1f})"


def per_stream(who):
    row = rows(f"{who}-hold")[0]
    return (row["peak_mib"] * 1024 - row["before_kib"]) / int(held)


WHOLE, EVENT = "cpu_us_per_request", "cpu_us_per_event"
SCENARIOS = [
    ("a whole answer, 1 KB in and out", "unary", WHOLE, 1.7),
    ("the same after a history of 98 KB", "history", WHOLE, 2.0),
    ("the same with 20 tools, 17 KB", "tools", WHOLE, 2.0),
    ("a stream of 100 events in a burst, per event", "stream", EVENT, 2.8),
    (f"{held} streams at once, an event each 20 ms, per event", "hold", EVENT, 1.3),
]

print(f"""# What it costs

Made by `scripts/bench` on {datetime.date.today()}: {rounds} rounds, interleaved, on {platform.machine()} with the servers on one core, load and
stand-in on another. CPU time is the scheduler's own count for the server's processes; every answer was checked. nginx passes
Gemini's wire through and translates nothing: it is a floor, not a rival. Compare ratios; absolute figures are this machine's.

| CPU µs, median (lowest–highest) | nginx, passing through | gemini-adapter | ratio | wanted |
|---|---|---|---|---|""")
for title, mode, field, wanted in SCENARIOS:
    ratio = median(f"adapter-{mode}", field) / median(f"nginx-{mode}", field)
    print(f"| {title} | {spread(f'nginx-{mode}', field)} | {spread(f'adapter-{mode}', field)} | {ratio:.2f} | {wanted} |")
added = {q: {who: median(f"{who}-rate", q) - median("direct-rate", q) for who in ("nginx", "adapter")} for q in ("p50_ms", "p99_ms")}
plugged = {mode: median(f"plugged-{mode}", field) / median(f"adapter-{mode}", field) for mode, field in [("unary", WHOLE), ("stream", EVENT)]}
print(f"""
| other figures | | wanted |
|---|---|---|
| 5 of 10 keys at their limit, CPU per request against 10 good keys | {median("half-unary", WHOLE) / median("good-unary", WHOLE):.2f} | 1.1 |
| a plugin with `on_request` and `on_chunk`: a whole answer against none | {plugged["unary"]:.2f} | 1.15 |
| the same, a streamed event | {plugged["stream"]:.2f} | 1.15 |
| memory per open stream, KiB (nginx: {per_stream("nginx"):.0f}) | {per_stream("adapter"):.0f} | 40 |
| added to a whole answer at 1,000 a second, p50, ms (nginx: {added["p50_ms"]["nginx"]:.2f}) | {added["p50_ms"]["adapter"]:.2f} | 0.3 |
| the same, p99, ms (nginx: {added["p99_ms"]["nginx"]:.2f}) | {added["p99_ms"]["adapter"]:.2f} | 2 |
| start to ready, ms | {median("start", "ready_ms"):.0f} | 50 |
| memory when idle, MiB | {median("start", "idle_kib") / 1024:.1f} | 20 |
| whole answers a second on one core, 16 at once | {median("adapter-unary", "per_second"):.0f} | |""")

print("""
How Google is reached: CPU against a Google in the clear, all three by way of the same nginx.

| CPU µs, and times that in the clear | in the clear | TLS, HTTP/1.1 | TLS, HTTP/2 |
|---|---|---|---|""")
for title, mode, field in [("a whole answer", "unary", WHOLE), ("an event of a burst", "stream", EVENT), ("200 slow streams, per event", "hold", EVENT)]:
    plain, one, two = (median(f"{who}-{mode}", field) for who in ("plain", "tls1", "tls2"))
    print(f"| {title} | {plain:.1f} | {one:.1f} ({one / plain:.2f}) | {two:.1f} ({two / plain:.2f}) |")

wrong = sum(row["wrong"] for who in ("plain", "tls1", "tls2") for mode in ("unary", "stream", "hold") for row in rows(f"{who}-{mode}"))
wrong += sum(row["wrong"] for who in ("direct", "nginx", "adapter") for row in rows(f"{who}-rate"))
for who, modes in [("nginx", 5), ("adapter", 5), ("plugged", 4)]:
    wrong += sum(row["wrong"] for _, mode, _, _ in SCENARIOS[:modes] for row in rows(f"{who}-{mode}"))
wrong += sum(row["wrong"] for who in ("good", "half") for row in rows(f"{who}-unary"))
print(f"\nWrong answers: {wrong}.")
sys.exit(1 if wrong else 0)
