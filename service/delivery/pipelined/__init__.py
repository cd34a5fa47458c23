"""An SMTP client that waits one round trip a mail (RFC 5321, RFC 2920). Touches the network.

`replies` and `commands` know the protocol and touch nothing; `wire` sends and reads octets, `connection` speaks, `dialling`
opens; a `lane` sends one connection's mails, `commits` joins what lanes record, `transport` carries a whole feed.
"""

from service.delivery.pipelined.transport import PipelinedTransport

__all__ = ["PipelinedTransport"]
