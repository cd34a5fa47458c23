"""The plain way to hand mails over, by smtplib: step by step, a thread a connection.

Nobody sends by it; it is what the tests hold the pipelined client against.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import IO, Any

from service.delivery.feed import Feed, carry_one_by_one
from service.delivery.server import Server, said
from service.errors import DeliveryFailed, DeliveryUncertain, ServerUnusable

_QUIT_TIMEOUT = 5.0  # seconds; every mail is settled by then


class PlainTransport:
    """Several connections to one server. Told to stop, they have the time `drain` for the mails that they are handing over."""

    def __init__(
        self, server: Server, *, mail_from: str, connections: int = 1, drain: timedelta = timedelta(seconds=30), **timeouts: float
    ) -> None:
        self.connections = [PlainConnection(server, mail_from=mail_from, **timeouts) for _ in range(connections)]
        self.drain = drain

    def carry(self, feed: Feed) -> None:
        """Raises what a connection's thread met, once all of them have ended."""
        failures: list[BaseException] = []

        def run(connection: PlainConnection) -> None:
            try:
                carry_one_by_one(feed, connection.send)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=run, args=(connection,), daemon=True) for connection in self.connections]
        for thread in threads:
            thread.start()
        self._await(threads, feed)
        if failures:
            raise failures[0]

    def _await(self, threads: Sequence[threading.Thread], feed: Feed) -> None:
        end: float | None = None
        for thread in threads:
            while thread.is_alive():
                thread.join(0.05)
                if end is None and feed.is_stopping():
                    end = time.monotonic() + self.drain.total_seconds()
                if end is not None and time.monotonic() >= end:
                    for connection in self.connections:
                        connection.abort()

    def send(self, message: bytes, *, to: str) -> str:
        """One mail, as PlainConnection.send."""
        return self.connections[0].send(message, to=to)

    def close(self) -> None:
        for connection in self.connections:
            connection.close()


class PlainConnection:
    """One connection, opened with the first mail and again when the server has closed it."""

    def __init__(self, server: Server, *, mail_from: str, timeout: float = 60.0, end_timeout: float = 600.0) -> None:
        self.server = server
        self.mail_from = mail_from  # the envelope sender's bare address
        self.timeout = timeout
        self.end_timeout = end_timeout
        self._connection: smtplib.SMTP | None = None
        self._is_aborted = False

    def send(self, message: bytes, *, to: str) -> str:
        """Hand one mail over and answer the server's reply.

        Raises ServerUnusable when the server takes no mail at all (it can't be reached, or refuses us), DeliveryFailed
        when this one is refused or the connection breaks over it, and DeliveryUncertain when the connection is lost
        between the final dot and the reply (RFC 1047). After each of them the next mail can be tried.
        """
        connection = self._begun(message)
        try:
            self._expect(connection.rcpt(to), 250, 251)
            self._expect(connection.docmd("DATA"), 354)
            return self._hand_over(connection, message)
        except DeliveryFailed as error:
            self._drop() if error.broke_off else self._reset()
            raise
        except DeliveryUncertain:
            self._drop()
            raise
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise DeliveryFailed(None, f"the mail server {self._name} broke off: {_said(error)}") from error

    def abort(self) -> None:
        """Break off, from another thread: whatever waits for the server fails at once, and nothing is opened again."""
        self._is_aborted = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._connection is not None:
            with suppress(OSError, smtplib.SMTPException):  # it is over either way, and every outcome is recorded
                if self._connection.sock is not None:
                    self._connection.sock.settimeout(_QUIT_TIMEOUT)
                self._connection.quit()
            self._drop()

    def _begun(self, message: bytes) -> smtplib.SMTP:
        """Name the sender; a server may have closed the connection since the last mail, so a used one gets a second try."""
        try:
            if self._connection is not None and not self._is_aborted:
                try:
                    return self._say_sender(self._connection, message)
                except (OSError, smtplib.SMTPException):
                    self._drop()
            if self._is_aborted:
                raise ConnectionAbortedError("told to stop")
            self._connection = self._connect()
            return self._say_sender(self._connection, message)
        except DeliveryFailed:
            self._reset()
            raise
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            is_refusal = isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500
            told = f"the mail server {self._name} can't be used: {self.server.masked(_said(error))}"
            raise ServerUnusable(told, permanent=is_refusal) from error

    def _say_sender(self, connection: smtplib.SMTP, message: bytes) -> smtplib.SMTP:
        """A refused sender concerns every mail, so it is no failure of this one; 552 is about this mail's size."""
        size = [f"SIZE={len(message)}"] if connection.has_extn("size") else []
        code, reply = connection.mail(self.mail_from, size)
        if code not in (250, 552):
            raise smtplib.SMTPResponseException(code, reply)
        self._expect((code, reply), 250)
        return connection

    @property
    def _name(self) -> str:
        return f"{self.server.host}:{self.server.port}"

    def _connect(self) -> smtplib.SMTP:
        server = self.server
        context = ssl.create_default_context()
        if server.tls == "if offered":  # on loopback nobody listens in, and its certificate is seldom a signed one
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        connection: smtplib.SMTP
        if server.tls == "from the start":
            connection = _SmtpTls(server.host, server.port, timeout=self.timeout, context=context)
        else:
            connection = _Smtp(server.host, server.port, timeout=self.timeout)
        try:
            self._prepare(connection, context)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: smtplib.SMTP, context: ssl.SSLContext) -> None:
        if connection.sock is not None:
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else 40 ms a mail
        connection.ehlo_or_helo_if_needed()
        if self.server.tls in ("required", "if offered"):
            if connection.has_extn("starttls"):
                connection.starttls(context=context)
                connection.ehlo_or_helo_if_needed()
            elif self.server.tls == "required":
                raise ServerUnusable(
                    f"the mail server {self._name} offers no STARTTLS, nothing was sent: use smtps://"
                    + ("" if self.server.user else ", or ?tls=off")
                )
        if self.server.user is not None:
            connection.login(self.server.user, self.server.password or "")

    def _hand_over(self, connection: smtplib.SMTP, message: bytes) -> str:
        """Send the content with its dots stuffed (RFC 5321, 4.5.2) and wait for the reply to the final dot."""
        content = message if message.endswith(b"\r\n") else message + b"\r\n"
        content = content.replace(b"\r\n.", b"\r\n..")
        content = b"." + content if content.startswith(b".") else content
        connection.send(content)
        try:
            connection.send(b".\r\n")
            if connection.sock is not None:
                connection.sock.settimeout(self.end_timeout)
            answer = connection.getreply()
            if connection.sock is not None:
                connection.sock.settimeout(self.timeout)
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryUncertain(f"the answer to the whole mail was lost: {_said(error)}") from error
        if answer[0] < 400 and answer[0] != 250:
            raise DeliveryUncertain(f"the answer to the whole mail makes no sense: {answer[0]}")
        return self._expect(answer, 250)

    def _expect(self, answer: tuple[int, bytes], *wanted: int) -> str:
        """The reply as text. One that makes no sense here counts as a broken connection."""
        code, reply = answer
        text = _one_line(reply.decode("utf-8", "replace"))
        if code in wanted:
            return f"{code} {text}"
        if code < 400:
            raise smtplib.SMTPResponseException(code, text)
        raise DeliveryFailed(code, text)

    def _reset(self) -> None:
        if self._connection is None:
            return
        try:
            self._connection.rset()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _WholeLines:
    """Lines of replies; smtplib would take "250" for a reply although the connection broke off within it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readline(self, limit: int) -> bytes:
        line = self._file.readline(limit)
        if line and not line.endswith(b"\n") and len(line) < limit:
            raise ConnectionResetError("the connection broke off within a reply")
        return line

    def close(self) -> None:
        self._file.close()


class _Smtp(smtplib.SMTP):
    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file: Any = _WholeLines(self.sock.makefile("rb"))
        return super().getreply()


class _SmtpTls(_Smtp, smtplib.SMTP_SSL):
    pass


def _said(error: Exception) -> str:
    """The server's or the system's words, on one line, without what we sent."""
    if isinstance(error, smtplib.SMTPResponseException):
        reply = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return f"{error.smtp_code} {_one_line(reply)}"
    return _one_line(said(error))


def _one_line(text: str) -> str:
    """What others say, without line breaks and control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
