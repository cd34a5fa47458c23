"""Resident memory of a whole wave, from 1,000 to 100,000 recipients: plan, compose, join, send, record.

A process of its own sends each wave, so that the most it ever held is that wave's. The bar: flat, and under 150 MB.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

from service.cli.logs import tell_nothing
from service.delivery.pipelined import PipelinedTransport
from service.delivery.server import Server
from service.store.database import open_database
from tests.benchmarks import wave
from tests.benchmarks.machine import machine, most_resident


def send(url: str, port: int, recipients: int) -> None:
    engine, before, begun = open_database(url), most_resident(), time.perf_counter()
    transport = PipelinedTransport(Server("127.0.0.1", port, "off"), mail_from="digest@example.org", connections=8)
    assert wave.send(engine, transport) == recipients
    rate = recipients / (time.perf_counter() - begun)
    print(f"{recipients:8,} recipients: at most {most_resident():.0f} MB, {before:.0f} MB before; {rate:.0f} mails/s", flush=True)


def main(*sizes: int) -> None:
    from tests.benchmarks.send_mails import own

    print(machine())
    for recipients in sizes or (1000, 10_000, 100_000):
        with own("sink") as sink, tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/paperround.db"
            subprocess.run([sys.executable, "-m", "tests.benchmarks.wave", str(recipients), url], check=True)
            arguments = [url, str(sink.port), str(recipients)]
            subprocess.run([sys.executable, "-m", "tests.benchmarks.memory", "send", *arguments], check=True)


if __name__ == "__main__":
    tell_nothing()
    if sys.argv[1:2] == ["send"]:
        send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main(*map(int, sys.argv[1:]))
