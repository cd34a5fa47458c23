"""How soon `serve` is ready, and what memory it holds when idle.

The real process, five times, each on a new database, against a page of 100 papers on loopback; measured from the start of
the process to the first answer of /health, and as resident memory ten seconds after the page was stored and summarised.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx

from service.shipped import __file__ as shipped
from tests.benchmarks.machine import machine
from tests.builders import free_port, page, record

RUNS = 5
IDLE = 10  # seconds
READY_BAR, MEMORY_BAR = 3.0, 150.0  # seconds, MB

ABSTRACT = "Planning is slow. We propose a planner for LLM agents that is 3 times faster. It is tested on 12 tasks. " * 10
PAGE = page([record(f"2610.{number:05d}", f"LLM agents, part {number}", summary=ABSTRACT) for number in range(100)])


class Source(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        pass


def measure(source: str) -> tuple[float, float]:
    """Seconds until ready, and MB when idle."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        command = [sys.executable, "-c", "from service.cli import main; main()", "serve", "--port", str(port)]
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PAPERROUND_", "OPENAI_"))},
            "PAPERROUND_SOURCE_URL": source,
            "PYTHONPATH": str(Path(shipped).parents[2]),
        }
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
        try:
            ready = _until_ready(port) - started
            time.sleep(IDLE)
            return ready, _resident(process.pid)
        finally:
            process.terminate()
            process.wait()


def _until_ready(port: int) -> float:
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/health")
            return time.monotonic()
        except httpx.HTTPError:
            time.sleep(0.01)


def _resident(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


def main() -> None:
    server = HTTPServer(("127.0.0.1", 0), Source)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    runs = [measure(f"http://127.0.0.1:{server.server_port}/papers") for _ in range(RUNS)]
    ready, memory = ([run[place] for run in runs] for place in (0, 1))
    print(machine())
    print(f"start to ready   median {statistics.median(ready):5.2f} s    worst {max(ready):5.2f} s    bar {READY_BAR:.0f} s")
    print(f"idle memory      median {statistics.median(memory):5.1f} MB   worst {max(memory):5.1f} MB   bar {MEMORY_BAR:.0f} MB")


if __name__ == "__main__":
    main()
