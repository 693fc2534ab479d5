"""Measures a server under stress: a stop with 1,000 open streams, clients that read nothing, five times the sustainable load.

    cargo build --release --bin gemini-adapter --example load
    python3 bench/holds.py

PROFILE=debug uses a debug build. Prints one line of JSON per measurement. These are figures, not tests: tests/it/holding.rs contains the tests."""

import json
import os
import resource
import signal
import socket
import subprocess
import tempfile
import time

TARGET = os.environ.get("CARGO_TARGET_DIR", "target") + "/" + os.environ.get("PROFILE", "release")
BINARY, LOAD = f"{TARGET}/gemini-adapter", f"{TARGET}/examples/load"
KEY = "bench-client-key-00000000"
# About half a millisecond of work per request: little enough to still run on the thread that serves the request.
HEAVY = """//! max_operations = 1000000
fn on_request(ctx) { let n = 0; for i in 0..4000 { n += i; } }
"""
# The load generator and the server run on different cores.
FIRST, SECOND = (["taskset", "-c", "0"], ["taskset", "-c", "1"]) if os.cpu_count() > 1 else ([], [])


def said(process, words):
    for line in process.stderr if process.stderr else process.stdout:
        if words in line:
            return line
    raise SystemExit(f"did not appear: {words}")


class House:
    """A simulator and a server in front of it."""

    def __init__(self, *settings, plugin=None):
        self.dir = tempfile.TemporaryDirectory()
        self.simulator = subprocess.Popen([*FIRST, BINARY, "simulate"], stdout=subprocess.PIPE, text=True)
        upstream = said(self.simulator, "http://").split()[0]
        if plugin:
            os.mkdir(f"{self.dir.name}/plugins")
            with open(f"{self.dir.name}/plugins/heavy.rhai", "w") as file:
                file.write(plugin)
        places = {"runtime.dir": "history", "store.dir": "store", "plugins.dir": "plugins"}
        told = [f'{name}="{self.dir.name}/{place}"' for name, place in places.items()]
        told += ["server.listen=127.0.0.1:0", "log.format=json", *settings]
        command = [*SECOND, BINARY, "serve", "--env-file", "absent.env"] + [word for setting in told for word in ("--set", setting)]
        environment = {
            "PATH": os.environ["PATH"],
            "GEMINI_API_KEYS": "bench-gemini-key-one-000,bench-gemini-key-two-000",
            "GEMINI_BASE_URL": upstream,
            "SECURITY_ADAPTER_API_KEYS": KEY,
        }
        log = open(f"{self.dir.name}/log", "w+")
        self.server = subprocess.Popen(command, env=environment, stderr=log)
        self.address = None
        while self.address is None:
            time.sleep(0.05)
            for line in open(log.name):
                if "started successfully" in line:
                    self.address = json.loads(line)["address"]

    def load(self, *words):
        command = [*FIRST, LOAD, "--speak", "openai", "--url", f"http://{self.address}", "--pids", str(self.server.pid), *words]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def resident(self):
        with open(f"/proc/{self.server.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def end(self):
        for process in (self.server, self.simulator):
            process.terminate()
            process.wait()


def result(load):
    return json.loads(load.communicate()[0])


def stop(streams=1000, drain=20):
    """Stops the server while streams are open that can finish in time."""
    house = House(f"server.drain={drain}s")
    load = house.load("--mode", "hold", "--requests", str(streams))
    # Each stream has one connection from the client and one to the simulator.
    while len(os.listdir(f"/proc/{house.server.pid}/fd")) < 2 * streams:
        time.sleep(0.05)
    told = time.monotonic()
    house.server.send_signal(signal.SIGTERM)
    code = house.server.wait()
    took = time.monotonic() - told
    found = {"streams": streams, "cut": result(load)["wrong"], "exit": code, "seconds": round(took, 1)}
    house.end()
    return found


def slow_readers(clients=100):
    """Measures the memory held for clients that request 8 MB each and read none of it."""
    house = House("server.write_timeout=60s")
    text = "[[sim:burst chunks=4000 size=2000]]"
    body = json.dumps({"model": "gemini-2.5-flash", "stream": True, "messages": [{"role": "user", "content": text}]})
    request = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-length: {len(body)}\r\n\r\n{body}"
    before = house.resident()
    open_ones = []
    for _ in range(clients):
        client = socket.create_connection(house.address.split(":"))
        client.sendall(request.encode())
        open_ones.append(client)
    time.sleep(8)
    held = (house.resident() - before) / clients
    begun = time.monotonic()
    whole = result(house.load("--mode", "unary", "--requests", "500"))
    found = {"clients": clients, "kib_each": round(held), "others_p99_ms": round(whole["p99_ms"], 1), "others_wrong": whole["wrong"]}
    found["others_seconds"] = round(time.monotonic() - begun, 1)
    for client in open_ones:
        client.close()
    house.end()
    return found


def overload(times=5):
    """Measures how many requests are answered correctly when `times` the sustainable load is offered."""
    house = House(plugin=HEAVY)
    peak = result(house.load("--mode", "unary", "--requests", "2000", "--connections", "32"))["per_second"]
    rate = peak * times
    flood = result(house.load("--mode", "unary", "--requests", str(round(rate * 10)), "--rate", str(rate), "--connections", "1000"))
    good = (flood["requests"] - flood["wrong"]) / (flood["requests"] / flood["per_second"])
    after = result(house.load("--mode", "unary", "--requests", "200"))
    house.end()
    return {
        "peak_per_second": round(peak),
        "offered_per_second": round(rate),
        "good_per_second": round(good),
        "share": round(good / peak, 2),
        "wrong_after": after["wrong"],
    }


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for figure in (stop, slow_readers, overload):
        print(json.dumps({figure.__name__: figure()}), flush=True)
