"""Evaluates every expression of the Grafana dashboard and of the alerts on a real Prometheus that scrapes a real server under load.

check.py SERVER_URL KEY CERTIFICATE: the server must have plugins and the answer cache turned on, present this certificate, and use the
stand-in Gemini as its upstream. Needs `prometheus` in PATH.
"""

import json
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

FOLDER = pathlib.Path(__file__).parents[2] / "config" / "observability"
SERVER, KEY, CERTIFICATE = sys.argv[1].rstrip("/"), sys.argv[2], sys.argv[3]
TRUST = ssl.create_default_context(cafile=CERTIFICATE)
PATIENCE_S = 60


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(path, body):
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    request = urllib.request.Request(SERVER + path, json.dumps(body).encode(), headers)
    try:
        urllib.request.urlopen(request, timeout=30, context=TRUST).read()
    except urllib.error.HTTPError as error:
        error.read()


def load(over):
    """Sends requests of all kinds, including failing ones, until `over` is set."""
    number = 0
    while not over.is_set():
        number += 1
        for text in [f"hello {number}", "[[sim:503 times=1]]", "[[sim:429_minute retry=1 times=1]]", "the same"]:
            say = [{"role": "user", "content": text}]
            for stream in [False, True]:
                ask("/v1/chat/completions", {"model": "gpt-4o", "temperature": 0, "stream": stream, "messages": say})
        ask("/v1/messages", {"model": "gpt-4o", "max_tokens": 100, "stream": True, "messages": say})
        ask("/v1/chat/completions", {"model": "gpt-4o", "messages": []})


def expressions():
    """Yields each expression with the title of its panel, with Grafana's variables replaced."""
    dashboard = json.loads((FOLDER / "grafana" / "gemini-adapter.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"].replace("$__rate_interval", "15s").replace("$instance", ".*")
            yield f"panel `{panel['title']}`", expression


def query(prometheus, expression):
    url = f"{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    answer = json.loads(urllib.request.urlopen(url, timeout=10).read())
    found = answer["data"]["result"]
    return [row for row in found if row["value"][1] != "NaN"]


def metrics_of_alerts():
    """Returns the metric names that the alerts use; the server must export each of them."""
    return sorted(set(re.findall(r"gemini_adapter_\w+", (FOLDER / "alerts.yml").read_text())))


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "key").write_text(KEY)
        config = (FOLDER / "prometheus.yml").read_text()
        config = config.replace("15s", "1s").replace("/run/secrets/metrics_key", str(folder / "key"))
        config = config.replace("gemini-adapter:8000", SERVER.removeprefix("https://"))
        trust = f"  - scheme: https\n    tls_config: {{ ca_file: {json.dumps(str(pathlib.Path(CERTIFICATE).resolve()))} }}\n    job_name"
        config = config.replace("  - job_name", trust)
        (folder / "prometheus.yml").write_text(config)
        (folder / "alerts.yml").write_text((FOLDER / "alerts.yml").read_text())
        port = free_port()
        arguments = [
            "prometheus",
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        over = threading.Event()
        loader = threading.Thread(target=load, args=(over,))
        with open(folder / "log", "w") as log, subprocess.Popen(arguments, stderr=log) as process:
            try:
                loader.start()
                return check(f"http://127.0.0.1:{port}")
            finally:
                over.set()
                loader.join()
                process.terminate()


def check(prometheus):
    wanted = list(expressions()) + [(f"alerts: `{name}`", name) for name in metrics_of_alerts()]
    missing = wanted
    deadline = time.monotonic() + PATIENCE_S
    while missing and time.monotonic() < deadline:
        time.sleep(1)
        try:
            missing = [(place, expression) for place, expression in missing if not query(prometheus, expression)]
        except OSError:
            continue
    for place, expression in missing:
        print(f"no data: {place}: {expression}", file=sys.stderr)
    if not missing:
        print(f"{len(wanted)} expressions return data")
    return 1 if missing else 0


sys.exit(main())
