"""Sending 82 KB mails: smtp-source, smtplib, and ours with its ledger, into the same sink; then TLS, a slow line, signatures.

The sinks are Postfix's smtp-sink (it reads byte by byte, so it is often the limit) and a cheap one of our own. `whole` is all
that `serve` does at a waking, on SQLite with full durability: plan, compose, join, send, record each acceptance; what a wave of
one mail takes, matching the day's papers with all topics say, is told apart. `ledger` is claim, start, send and settle of mails
whose bytes are ready; `client` is ours with no ledger. With `unsigned COUNT`, `tls COUNT` or `slow COUNT` only that part.
"""

from __future__ import annotations

import os
import resource
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import trustme
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from sqlalchemy import Engine

from service.cli.logs import tell_nothing
from service.delivery.dkim import SigningKey, sign
from service.delivery.feed import Feed, Parcel, Turn
from service.delivery.message import Message, ReadyMessage
from service.delivery.pipelined import PipelinedTransport
from service.delivery.server import Server
from service.pipeline.deliver import Run, send_all
from service.store.database import open_database, reading
from service.store.ledger import Claimed, due_mails
from tests.benchmarks import wave
from tests.benchmarks.machine import machine
from tests.builders import free_port

LINE = b"=20".join([b"a paper for you"] * 4) + b"\r\n"
HEAD = (
    b"From: Paperround <digest@example.org>\r\nTo: ada@example.org\r\nSubject: three papers\r\n"
    b"Date: Fri, 02 Oct 2026 06:00:00 +0000\r\n"
    b"Message-ID: <m@example.org>\r\nList-Unsubscribe: <https://x.example/u/abc>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\n"
)
MESSAGE = ReadyMessage(HEAD, [LINE * ((82_000 - len(HEAD)) // len(LINE))])
TURNS = 5  # of each side, one after the other, for the machine may have other work
FROM, TO, CONNECTIONS = "digest@example.org", "ada@example.org", 8


@dataclass
class Sink:
    pid: int
    port: int

    def cpu(self) -> float:
        """Seconds on a processor so far."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text("ascii").split()[0]) / 1e9


@contextmanager
def program(*command: str, port: int) -> Iterator[Sink]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while True:
            time.sleep(0.1)
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield Sink(process.pid, port)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def postfix_sink() -> Iterator[Sink]:
    port = free_port()
    path = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin")
    if path is None:
        raise SystemExit("this needs smtp-sink and smtp-source: install Debian's postfix")
    with program(path, "-u", "nobody", f"127.0.0.1:{port}", "1024", port=port) as sink:
        yield sink


@contextmanager
def own(*arguments: object) -> Iterator[Sink]:
    """One of `sinks`."""
    port = free_port()
    kind, *rest = map(str, arguments)
    with program(sys.executable, "-m", "tests.benchmarks.sinks", kind, str(port), *rest, port=port) as sink:
        yield sink


def own_cpu() -> float:
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def measure(name: str, count: int, sink: Sink, send: Callable[[], None]) -> tuple[float, float]:
    """Prints and answers mails a second, and the sender's CPU in microseconds a mail."""
    sink_before, before, begun = sink.cpu(), own_cpu(), time.perf_counter()
    send()
    wall, cpu, sink_cpu = time.perf_counter() - begun, own_cpu() - before, sink.cpu() - sink_before
    limit = ", the sink is the limit" if sink_cpu / wall > 0.85 else ""
    rate, each = count / wall, cpu / count * 1e6
    print(
        f"  {name:34} {rate:8.0f} mails/s   sender {each:7.0f} µs a mail   sink {sink_cpu / count * 1e6:6.0f} µs{limit}",
        flush=True,
    )
    return rate, each


class Ready:
    """A feed of mails whose bytes are ready, with no ledger behind it."""

    def __init__(self, count: int) -> None:
        self.mails = deque(Parcel(str(number), TO, MESSAGE) for number in range(count))
        self.accepted = 0

    def take(self, _avoid: Collection[str] = (), /) -> Parcel | None:
        return self.mails.popleft() if self.mails else None

    def turn(self, turns: Sequence[Turn]) -> list[bool]:
        self.accepted += sum(isinstance(turn.last[1], str) for turn in turns if turn.last)
        return [True] * len(turns)

    def is_stopping(self) -> bool:
        return False


def ours(sink: Sink, tls: str = "off", **options: object) -> PipelinedTransport:
    host = "localhost" if tls != "off" else "127.0.0.1"
    return PipelinedTransport(Server(host, sink.port, tls), mail_from=FROM, connections=CONNECTIONS, **options)  # type: ignore[arg-type]


def client(sink: Sink, count: int, tls: str = "off", **options: object) -> None:
    feed = Ready(count)
    ours(sink, tls, **options).carry(feed)
    assert feed.accepted == count


def ledger(engine: Engine, sink: Sink, count: int, **options: object) -> None:
    with reading(engine) as session:
        mails = due_mails(session, datetime.now(UTC))
    assert len(mails) == count
    assert send_all(engine, ours(sink, **options), mails, ready_mail, Run(lambda: datetime.now(UTC))) == count


def whole(engine: Engine, sink: Sink, count: int, **options: object) -> Stages:
    stages = Stages(ours(sink, **options))
    assert wave.send(engine, stages) == count
    return stages


class Stages:
    """A transport that notes the CPU of each stage of the wave that it is given."""

    def __init__(self, transport: PipelinedTransport) -> None:
        self._transport = transport
        self.begun = time.process_time()
        self.seconds = dict.fromkeys(("plan", "claim, compose, join", "record", "client"), 0.0)
        self.groups = 0

    def carry(self, feed: Feed) -> None:
        self.seconds["plan"] = time.process_time() - self.begun
        carrying = time.process_time()
        self._transport.carry(Watched(feed, self))
        inside = self.seconds["claim, compose, join"] + self.seconds["record"]
        self.seconds["client"] = time.process_time() - carrying - inside

    def send(self, message: bytes, *, to: str) -> str:
        raise AssertionError


class Watched:
    def __init__(self, feed: Feed, stages: Stages) -> None:
        self._feed, self._stages, self.is_stopping = feed, stages, feed.is_stopping

    def take(self, avoid: Collection[str] = (), /) -> Parcel | None:
        begun = time.process_time()
        parcel = self._feed.take(avoid)
        self._stages.seconds["claim, compose, join"] += time.process_time() - begun
        return parcel

    def turn(self, turns: Sequence[Turn]) -> list[bool]:
        begun = time.process_time()
        answers = self._feed.turn(turns)
        self._stages.seconds["record"] += time.process_time() - begun
        self._stages.groups += 1
        return answers


def ready_mail(claimed: Claimed, now: datetime) -> tuple[str, Message]:
    return "three papers", MESSAGE


def by_smtplib(sink: Sink, count: int, no_delay: bool = True, tls: ssl.SSLContext | None = None, connections: int = 1) -> None:
    def run(share: int) -> None:
        smtp = smtplib.SMTP_SSL("localhost", sink.port, context=tls) if tls else smtplib.SMTP("127.0.0.1", sink.port)
        assert smtp.sock is not None
        smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(no_delay))
        octets = bytes(MESSAGE)
        for _ in range(share):
            smtp.sendmail(FROM, [TO], octets)
        smtp.quit()

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(run, [count // connections] * connections))


def smtp_source(sink: Sink, count: int) -> None:
    path = shutil.which("smtp-source", path="/usr/sbin:/usr/bin") or "smtp-source"
    command = [path, "-d", "-s", str(CONNECTIONS), "-m", str(count), "-l", str(len(MESSAGE)), "-f", FROM, "-t", TO]
    subprocess.run([*command, f"127.0.0.1:{sink.port}"], check=True)


@contextmanager
def prepared(program: str, count: int) -> Iterator[Engine]:
    """By another process, whose memory doesn't count."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/paperround.db"
        subprocess.run([sys.executable, "-m", program, str(count), url], check=True)
        engine = open_database(url)
        yield engine
        engine.dispose()


def due(count: int) -> AbstractContextManager[Engine]:
    """People whose digest is due; nothing is planned."""
    return prepared("tests.benchmarks.wave", count)


def unsigned(count: int) -> None:
    print(f"unsigned, {len(MESSAGE)} octets, {CONNECTIONS} connections, into smtp-sink")
    with postfix_sink() as sink, prepared("tests.kills", count) as planned, due(1) as first, due(1) as one, due(count) as engine:
        whole(first, sink, 1)  # templates are compiled once a process
        before = whole(one, sink, 1).seconds
        source, _ = measure("smtp-source -d", count, sink, lambda: smtp_source(sink, count))
        _, plain = measure("smtplib, as it is, 1 connection", count, sink, lambda: by_smtplib(sink, count, no_delay=False))
        measure("smtplib, TCP_NODELAY, 1 connection", count, sink, lambda: by_smtplib(sink, count))
        measure("smtplib, TCP_NODELAY, 8 threads", count, sink, lambda: by_smtplib(sink, count, connections=CONNECTIONS))
        measure("ours, client", count, sink, lambda: client(sink, count))
        measure("ours, ledger", count, sink, lambda: ledger(planned, sink, count))
        told: list[Stages] = []
        rate, each = measure("ours, whole", count, sink, lambda: told.append(whole(engine, sink, count)))
    (stages,) = told
    shares = ", ".join(f"{name} {(taken - before[name]) / count * 1e6:.0f}" for name, taken in stages.seconds.items())
    print(f"  of it beyond {sum(before.values()) * 1000:.0f} ms for a wave of one, µs a mail: {shares}")
    print(f"  {count / stages.groups:.1f} mails a commit")
    print(f"  whole / smtp-source: {rate / source:.2f} (the bar: 0.85)")
    print(f"  CPU a mail, whole / smtplib's sendmail: {each / plain:.2f} (the bar: 0.33)")


def over_tls(count: int) -> None:
    print("over TLS, into the cheap sink")
    with tempfile.TemporaryDirectory() as folder:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(f"{folder}/ca.pem")
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(f"{folder}/localhost.pem")
        os.environ["SSL_CERT_FILE"] = f"{folder}/ca.pem"
        context = ssl.create_default_context()
        with own("sink", f"{folder}/localhost.pem") as sink:
            measure("smtplib, as it is", 50, sink, lambda: by_smtplib(sink, 50, no_delay=False, tls=context))
            sides = {
                "smtplib, TCP_NODELAY": lambda: by_smtplib(sink, count // TURNS, tls=context),
                "ours, client": lambda: client(sink, count // TURNS, "from the start"),
            }
            turns = [[measure(name, count // TURNS, sink, send)[0] for name, send in sides.items()] for _ in range(TURNS)]
    plain, rate = (median(rates) for rates in zip(*turns, strict=True))
    print(f"  ours / smtplib with TCP_NODELAY, the medians: {rate / plain:.1f} (the bar: 4)")


def slow_line(count: int) -> None:
    print("a line of 20 ms there and back, into the cheap sink")
    with own("sink") as sink, own("delay", sink.port, 0.01) as line, due(count) as engine:
        few = count // 8
        there_and_back = round_trip(line)
        plain, _ = measure("smtplib, 1 connection", few, line, lambda: by_smtplib(line, few))
        rate, _ = measure("ours, whole", count, line, lambda: whole(engine, line, count))
    print(f"  a round trip is {there_and_back * 1000:.1f} ms, as NOOP has it; a durable write is {durable_write() * 1000:.2f} ms")
    plain, rate = plain * there_and_back, rate * there_and_back / CONNECTIONS
    print(f"  mails a round trip and connection: smtplib {plain:.2f}, ours {rate:.2f} (the bar: 0.8)")


def round_trip(line: Sink) -> float:
    """Seconds, the median: timers are late on a busy machine."""
    with smtplib.SMTP("127.0.0.1", line.port) as smtp:
        return median(timed(smtp.noop) for _ in range(50))


def durable_write() -> float:
    """Seconds, the median: what each commit waits for."""
    with tempfile.TemporaryFile() as file:

        def write() -> None:
            file.write(b"x" * 4096)
            file.flush()
            os.fdatasync(file.fileno())

        return median(timed(write) for _ in range(50))


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def signed(count: int) -> None:
    print("signed by RSA-2048, into the cheap sink")
    key = SigningKey("example.org", "s1", generate_private_key(65537, 2048))

    def sign_one(message: Message) -> Message:
        return sign(message, [key], 1_700_000_000)

    with own("sink") as sink, due(count) as engine:
        begun = time.process_time()
        for _ in range(200):
            sign_one(MESSAGE)
        print(f"  a signature alone: {(time.process_time() - begun) / 200 * 1e6:.0f} µs")
        measure("ours, whole", count, sink, lambda: whole(engine, sink, count, sign=sign_one))


def main(count: int = 4000) -> None:
    print(machine(), f"load {os.getloadavg()[0]:.1f}")
    unsigned(count)
    over_tls(count)
    slow_line(count)
    signed(count)


if __name__ == "__main__":
    tell_nothing()
    if sys.argv[2:]:
        print(machine(), f"load {os.getloadavg()[0]:.1f}")
        {"unsigned": unsigned, "tls": over_tls, "slow": slow_line}[sys.argv[1]](int(sys.argv[2]))
    else:
        main(*map(int, sys.argv[1:]))
