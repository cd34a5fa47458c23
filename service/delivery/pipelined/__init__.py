"""An SMTP client that waits one round trip a mail (RFC 5321, RFC 2920). Touches the network.

`replies` and `commands` know the protocol and touch nothing; `wire` sends and reads octets, `connection` speaks,
`dialling` opens, `transport` carries.
"""

from service.delivery.pipelined.transport import PipelinedTransport

__all__ = ["PipelinedTransport"]
