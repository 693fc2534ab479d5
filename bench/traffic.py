#!/usr/bin/env python3
"""Prints a day of requests for `gemini-adapter simulate pool` as JSON lines: busy by day, quiet by night, with bursts. The same seed gives the same day."""
import json
import math
import random
import sys

REQUESTS, SEED = 6000, int(sys.argv[1]) if len(sys.argv) > 1 else 1
MODELS = ["gemini-2.5-flash"] * 7 + ["gemini-2.5-pro"] * 3
chance = random.Random(SEED)
times = []
while len(times) < REQUESTS:
    at = chance.random() * 86400
    # Twice as busy at noon as on average, quiet at midnight.
    if chance.random() * 2 <= 1 - math.cos(2 * math.pi * at / 86400):
        # One in fifty is an agent that sends ten requests in a row.
        times += [at + 2 * step for step in range(10)] if chance.random() < 0.02 else [at]
for at in sorted(time for time in times if time < 86400)[:REQUESTS]:
    print(json.dumps({"at": round(at, 1), "model": chance.choice(MODELS), "takes": round(1 + chance.expovariate(0.4), 1)}))
