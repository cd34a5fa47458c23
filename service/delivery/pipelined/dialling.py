"""Open a connection to an SMTP server: TLS, greeting, EHLO, password. Touches the network."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass

from service.delivery.pipelined.commands import extensions_of, password_steps
from service.delivery.pipelined.connection import Connection
from service.delivery.pipelined.replies import Nonsense, Reply
from service.delivery.server import Server, said
from service.errors import ServerUnusable


@dataclass(frozen=True, slots=True)
class Dialler:
    """What every connection of a run has in common."""

    server: Server
    mail_from: str  # the envelope sender's bare address
    own_name: str  # as EHLO tells it
    timeout: float  # seconds for each command
    end_timeout: float  # seconds for the answer to the final dot
    context: ssl.SSLContext

    async def dial(self) -> Connection:
        """A connection that is ready for mail. Raises ServerUnusable."""
        try:
            connected = await self._connected()
        except (OSError, UnicodeError) as error:  # UnicodeError: the host's name can't be one
            raise self.unusable(said(error)) from error
        connection = Connection(connected, self.mail_from, self.timeout, self.end_timeout)
        try:
            await self._prepare(connection)
        except (OSError, Nonsense) as error:
            connection.abort()
            raise self.unusable(said(error), permanent=isinstance(error, ssl.SSLCertVerificationError)) from error
        except BaseException:
            connection.abort()
            raise
        return connection

    def unusable(self, why: str | Reply, *, permanent: bool = False) -> ServerUnusable:
        """A 5yz is for good (RFC 5321, 4.2.1)."""
        is_refusal = isinstance(why, Reply) and why.code >= 500
        words = f"the mail server {self.server.host}:{self.server.port} can't be used: {self.server.masked(str(why))}"
        return ServerUnusable(words, permanent=permanent or is_refusal)

    async def _connected(self) -> socket.socket:
        """To the first of the host's addresses that takes it in time. Raises OSError, which the last one met, or UnicodeError."""
        loop, failure = asyncio.get_running_loop(), OSError("it has no address")
        for family, kind, protocol, _, address in await loop.getaddrinfo(
            self.server.host, self.server.port, type=socket.SOCK_STREAM
        ):
            opened = socket.socket(family, kind, protocol)
            try:
                opened.setblocking(False)
                async with asyncio.timeout(self.timeout):
                    await loop.sock_connect(opened, address)
                return opened
            except OSError as error:
                opened.close()
                failure = error
            except BaseException:
                opened.close()
                raise
        raise failure

    async def _prepare(self, connection: Connection) -> None:
        if self.server.tls == "from the start":
            await connection.start_tls(self.context, self.server.host)
        self._must(await connection.reply(self.timeout), 220)
        await self._greet(connection)
        if self.server.tls in ("required", "if offered"):
            if "STARTTLS" in connection.extensions:
                self._must(await connection.command(b"STARTTLS\r\n"), 220)
                await connection.start_tls(self.context, self.server.host)
                await self._greet(connection)
            elif self.server.tls == "required":
                way_out = "" if self.server.user else ", or ?tls=off"
                raise self.unusable(f"it offers no STARTTLS, nothing was sent: use smtps://{way_out}", permanent=True)
        if self.server.user is not None:
            await self._log_in(connection, self.server.user, self.server.password or "")

    async def _greet(self, connection: Connection) -> None:
        """What was offered before TLS counts no more (RFC 3207, 4.2). A server that knows no EHLO offers nothing."""
        connection.extensions = {}
        reply = await connection.command(f"EHLO {self.own_name}\r\n".encode())
        if reply.code == 250:
            connection.extensions = extensions_of(reply)
        else:
            self._must(await connection.command(f"HELO {self.own_name}\r\n".encode()), 250)

    async def _log_in(self, connection: Connection, user: str, password: str) -> None:
        steps = password_steps(connection.extensions.get("AUTH", ""), user, password)
        if not steps:
            words = "it knows neither AUTH PLAIN nor AUTH LOGIN: leave the user out of the URL, or ask its owner"
            raise self.unusable(words, permanent=True)
        for step in steps[:-1]:
            self._must(await connection.command(step), 334)
        self._must(await connection.command(steps[-1]), 235)

    def _must(self, reply: Reply, code: int) -> None:
        if reply.code != code:
            raise self.unusable(reply)
