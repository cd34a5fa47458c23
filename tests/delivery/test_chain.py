"""One mail by the whole way: our SMTP door, a real Postfix, LMTP to a real Dovecot, read by IMAP."""

from __future__ import annotations

import imaplib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import NamedTuple

import pytest

from service.delivery.pipelined import PipelinedTransport
from service.delivery.server import parse_smtp_url
from tests.builders import free_port
from tests.golden.cases import golden
from tests.programs import own, running, service_folder, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (Path("/usr/sbin/postfix").exists() and Path("/usr/sbin/dovecot").exists() and os.getuid() == 0),
        reason="needs Postfix, Dovecot with LMTP and IMAP, and root, whom Postfix wants for its start",
    ),
]

DOVECOT = """
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
mail_location = maildir:{folder}/mail/%n
first_valid_uid = 1
auth_username_format = %Ln
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=dovenull gid=dovenull home={folder}/mail/%n
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""
POSTFIX = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file_prefixes = /tmp
maillog_file = {folder}/maillog
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.org
mydestination =
alias_maps =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = example.org
virtual_mailbox_maps = regexp:{folder}/mailboxes
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
disable_dns_lookups = yes
smtputf8_enable = no
"""


class Ports(NamedTuple):
    smtp: int
    imap: int
    lmtp: int


@pytest.fixture(scope="module")
def chain() -> Iterator[Ports]:
    ports = Ports(free_port(), free_port(), free_port())
    with service_folder() as mailboxes, service_folder() as relay, running(dovecot(mailboxes, ports), ports.imap):
        wait_for(ports.lmtp)
        settings = postfix(relay, ports)
        subprocess.run(["/usr/sbin/postfix", "-c", settings, "start"], check=True, capture_output=True)
        try:
            wait_for(ports.smtp)
            yield ports
        finally:
            subprocess.run(["/usr/sbin/postfix", "-c", settings, "stop"], check=True, capture_output=True)


def dovecot(folder: Path, ports: Ports) -> list[str]:
    settings = folder / "dovecot.conf"
    settings.write_text(DOVECOT.format(folder=folder, **ports._asdict()))
    (folder / "mail").mkdir()
    own(folder / "mail", "dovenull")
    return ["/usr/sbin/dovecot", "-F", "-c", str(settings)]


def postfix(folder: Path, ports: Ports) -> str:
    """An instance of its own: the package's services, on our port and without a chroot."""
    settings = folder / "etc"
    settings.mkdir()
    for name in ("dynamicmaps.cf", "dynamicmaps.cf.d", "postfix-files", "postfix-files.d", "postfix-script", "post-install"):
        source = Path("/etc/postfix") / name
        shutil.copytree(source, settings / name) if source.is_dir() else shutil.copy(source, settings / name)
    (settings / "master.cf").write_text("\n".join(services(Path("/etc/postfix/master.cf").read_text(), ports.smtp)) + "\n")
    (settings / "main.cf").write_text(POSTFIX.format(folder=folder, **ports._asdict()))
    (folder / "mailboxes").write_text("/^[^@]+@example\\.org$/ ok\n")
    for name in ("queue", "data"):
        (folder / name).mkdir()
    own(folder / "data", "postfix")
    return str(settings)


def services(packaged: str, port: int) -> Iterator[str]:
    for line in packaged.splitlines():
        if not line[:1].isalpha():
            continue
        name, kind, private, unprivileged, _chroot, *rest = line.split(None, 7)
        if rest[2].split()[0] != "pipe":
            yield " ".join([f"127.0.0.1:{port}" if kind == "inet" else name, kind, private, unprivileged, "n", *rest])


@pytest.mark.parametrize("name", ["ordinary", "german", "hostile", "change"])
def test_a_mail_arrives_whole_through_postfix_and_dovecot(name: str, chain: Ports) -> None:
    sent = golden(name)
    to = f"{name}@example.org"
    with closing(PipelinedTransport(parse_smtp_url(f"smtp://127.0.0.1:{chain.smtp}"), mail_from="digest@example.org")) as door:
        assert door.send(sent.message, to=to).startswith("250")
    arrived = message_from_bytes(fetched(chain.imap, name), policy=default)
    assert isinstance(arrived, EmailMessage)
    before = message_from_bytes(sent.message, policy=default)
    assert arrived["Subject"] == sent.email.subject
    for header in ("From", "To", "Date", "Message-ID", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted"):
        assert arrived[header] == before[header], header
    for kind, content in (("html", sent.email.html), ("plain", sent.email.text)):
        part = arrived.get_body((kind,))
        assert part is not None
        assert part.get_content().rstrip().splitlines() == content.rstrip().splitlines()


def fetched(port: int, name: str) -> bytes:
    """The one mail of a mailbox, waited for."""
    with imaplib.IMAP4("127.0.0.1", port) as client:
        client.login(name, "any")
        for _ in range(600):
            client.select("INBOX")
            _, found = client.search(None, "ALL")
            if found[0]:
                _, data = client.fetch(found[0].split()[0].decode(), "(RFC822)")
                assert isinstance(data[0], tuple)
                return data[0][1]
            time.sleep(0.2)
    raise TimeoutError(f"no mail came for {name}")
