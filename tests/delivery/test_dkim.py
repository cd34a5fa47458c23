"""Signatures, verified by dkimpy, which shares no code with ours."""

from __future__ import annotations

from base64 import b64encode
from email import message_from_bytes

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from service.delivery.dkim import SigningKey, load_signing_key, sign
from service.delivery.message import build_message
from service.errors import WrongUse
from service.models import Email
from tests.builders import NOW, SENDER

RSA, ED25519 = generate_rsa_key(65537, 2048), Ed25519PrivateKey.generate()
KEYS = [SigningKey("example.org", "s1", RSA), SigningKey("example.org", "s2", ED25519)]


def dns(name: bytes, timeout: int = 5) -> bytes:
    """What the sender publishes."""
    if name == b"s1._domainkey.example.org.":
        return b"v=DKIM1; k=rsa; p=" + b64encode(RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    assert name == b"s2._domainkey.example.org."
    return b"v=DKIM1; k=ed25519; p=" + b64encode(ED25519.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def is_verified(message: bytes, signature: int = 0) -> bool:
    try:
        return bool(dkim.DKIM(message).verify(signature, dnsfunc=dns))
    except dkim.ValidationError:  # the body is another one
        return False


def mail(text: str = "Hello.\n", html: str = "<p>Hello.</p>") -> bytes:
    email = Email("Ünusual – three papers", html, text)
    return build_message(email, SENDER, to="ada@example.org", key="k" * 32, now=NOW, unsubscribe_link="https://x.example/u/abc")


def test_a_digest_is_signed_by_every_key_and_is_otherwise_as_it_was() -> None:
    signed = sign(mail(), KEYS, 1_700_000_000)
    assert signed.endswith(mail())
    assert [is_verified(signed, 0), is_verified(signed, 1)] == [True, True]
    assert all(len(line) <= 78 for line in signed.partition(b"\r\nFrom")[0].split(b"\r\n"))
    first = message_from_bytes(signed)["DKIM-Signature"]
    assert "a=rsa-sha256; c=relaxed/simple; d=example.org" in first


@pytest.mark.parametrize(
    "name", ["From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post"]
)
def test_a_header_that_is_added_on_the_way_breaks_the_signature(name: str) -> None:
    signed = sign(mail(), KEYS[:1], 1_700_000_000)
    assert not is_verified(f"{name}: added\r\n".encode() + signed)
    assert is_verified(b"X-Other: added\r\n" + signed)


def test_a_body_or_subject_that_is_changed_on_the_way_breaks_the_signature_but_not_where_lines_are_folded_and_end() -> None:
    signed = sign(mail("One two.\n"), KEYS[:1], 1_700_000_000)
    assert is_verified(signed.replace(b"From: ", b"FROM:\r\n\t ") + b"\r\n\r\n")
    assert not is_verified(signed.replace(b"One two.", b"One too."))
    assert not is_verified(signed.replace(b"Message-ID: <", b"Message-ID: <x"))


bodies = st.lists(st.sampled_from([b"a", b"b c", b" ", b"  ", b"\t", b"\r\n", b"\r\n\r\n", b".", b"=20"])).map(b"".join)
values = st.lists(st.sampled_from([b"a", b"b:c", b" ", b"\t", b"\r\n ", b"\r\n\t", b"<d@e>"]), max_size=12).map(b"".join)


@given(values, values, bodies)
def test_whatever_blanks_and_folds_a_mail_holds_its_signature_is_verified(one: bytes, two: bytes, body: bytes) -> None:
    message = b"From: a@example.org\r\nsubject:x%s\r\nTo:y%s\r\nTo: z\r\nX: x\r\n\r\n%s" % (one, two, body)
    signed = sign(message, KEYS, 1_700_000_000)
    assert is_verified(signed, 0)
    assert is_verified(signed, 1)


def test_a_key_is_read_from_pem_and_a_weak_or_foreign_one_is_refused_without_telling_it() -> None:
    def pem(key: object) -> bytes:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined,no-any-return]

    assert load_signing_key(pem(RSA), domain="example.org", selector="s1").algorithm == "rsa-sha256"
    assert load_signing_key(pem(ED25519), domain="example.org", selector="s2").algorithm == "ed25519-sha256"
    for wrong in (pem(generate_rsa_key(65537, 1024)), pem(generate_private_key(SECP256R1())), b"SECRET", b""):
        with pytest.raises(WrongUse) as refused:
            load_signing_key(wrong, domain="example.org", selector="s1")
        assert "SECRET" not in str(refused.value)
