"""E-mails: what one looks like, and the server that takes them (RFC 5321, RFC 8314).

A mail says what kind of thing happened to which listing or contract, and where to read on. Its Message-ID follows from
the notice, so that a second copy, after a crash between sending and noting it, is known to be one (RFC 5322 section
3.6.4). Headers are made by the standard library, which refuses a line break in any of them; names are one line before.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from urllib.parse import SplitResult, unquote, urlsplit

from exchange.config import Config, ConfigurationError
from exchange.errors import N_, ExchangeError
from exchange.i18n import load
from exchange.notices.models import Notice

PATIENCE = 20.0  # seconds for each answer of the mail server
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_GREETING = N_("You are told this as a member of %(organisation)s on the Minh Bạch data exchange.")
_CHOOSE = N_("Choose what you are told by e-mail: %(address)s")


class MailRefused(ExchangeError):
    """The server took no mail for this one person: ``code`` says why, ``final`` whether it may change."""

    def __init__(self, code: str, *, final: bool) -> None:
        super().__init__(code)
        self.code, self.final = code, final


class ServerDown(ExchangeError):
    """The mail server does not answer, or takes nothing from us: no mail is to blame."""


@dataclass(frozen=True)
class MailServer:
    """Where mail goes, from which address, and how people reach the exchange."""

    host: str
    port: int
    security: str  # "tls" from the first byte, "starttls" demanded, or "none"
    user: str
    password: str
    sender: Address
    base_url: str

    @classmethod
    def of(cls, config: Config) -> "MailServer | None":
        """From the settings; None when there is none. Raises ConfigurationError."""
        if config.smtp_url is None or config.mail_from is None:
            return None
        try:
            parts = urlsplit(config.smtp_url)
            port = parts.port
            sender = _sender(config.mail_from)
        except (ValueError, MessageError, IndexError):
            raise ConfigurationError("MINHBACH_SMTP_URL or MINHBACH_MAIL_FROM cannot be read") from None
        security = _security(parts, config.production)
        return cls(
            host=str(parts.hostname), port=port or {"tls": 465, "starttls": 587, "none": 25}[security],
            security=security, user=unquote(parts.username or ""), password=_password(config, parts), sender=sender,
            base_url=config.base_url,
        )  # fmt: skip

    @contextmanager
    def connection(self) -> Iterator[smtplib.SMTP]:
        """A session ready to send; raises ServerDown. A server without the TLS that is set gets nothing from us."""
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise ServerDown(type(error).__name__) from None
        try:
            yield server
        finally:
            try:
                server.quit()
            except (OSError, smtplib.SMTPException):
                server.close()

    def _connect(self) -> smtplib.SMTP:
        name = urlsplit(self.base_url).hostname or "localhost"
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if self.security == "tls":
            server = smtplib.SMTP_SSL(self.host, self.port, name, timeout=PATIENCE, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, name, timeout=PATIENCE)
        try:
            if self.security == "starttls":
                server.starttls(context=context)
            if self.user:
                server.login(self.user, self.password)
        except BaseException:
            server.close()
            raise
        return server

    def letter(self, notice: Notice, email: str, sentence: str, organisation: str, lang: str, now: datetime) -> bytes:
        """The mail of one notice as bytes of RFC 5322; raises MailRefused for an address that no header can hold."""
        say = load(lang).gettext
        settings = f"{self.base_url}/me/notices"
        text = "\n".join([
            sentence, "", f"{self.base_url}/notices/{notice.id}", "", "-- ",
            say(_GREETING) % {"organisation": organisation}, say(_CHOOSE) % {"address": settings}, "",
        ])  # fmt: skip
        letter = EmailMessage(policy=SMTP if email.isascii() else SMTP.clone(utf8=True))  # RFC 6532
        try:
            letter["From"] = self.sender
            letter["To"] = Address(username=email.rpartition("@")[0], domain=email.rpartition("@")[2])
            letter["Subject"] = f"[Minh Bạch] {sentence}"
            letter["Date"] = now
            letter["Message-ID"] = self.message_id(notice)
            letter["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5
            letter["List-Unsubscribe"] = f"<{settings}>"  # RFC 2369 section 3.2
            letter["Content-Language"] = lang
            letter.set_content(text)
            return letter.as_bytes()
        except (ValueError, MessageError, IndexError):
            raise MailRefused("address", final=True) from None

    def message_id(self, notice: Notice) -> str:
        """The same for the same notice, and telling nothing of the person."""
        whose = sha256(f"{notice.id} {notice.org_id} {notice.user_id}".encode()).hexdigest()[:16]
        return f"<{notice.id}.{whose}@{urlsplit(self.base_url).hostname or 'localhost'}>"

    def send(self, server: smtplib.SMTP, email: str, letter: bytes) -> None:
        """Hand one mail over; raises MailRefused when this one is not taken, ServerDown when none would be."""
        options = () if email.isascii() else ("SMTPUTF8",)
        try:
            server.sendmail(self.sender.addr_spec, [email], letter, mail_options=options)
        except smtplib.SMTPRecipientsRefused as error:
            [(code, _text)] = error.recipients.values()
            raise _refused(code) from None
        except smtplib.SMTPDataError as error:
            raise _refused(error.smtp_code) from None
        except (smtplib.SMTPNotSupportedError, UnicodeEncodeError):
            raise MailRefused("address", final=True) from None
        except (OSError, smtplib.SMTPException) as error:  # the sender refused, the line lost
            raise ServerDown(type(error).__name__) from None


def _refused(code: int) -> ExchangeError:
    if code == 421:  # RFC 5321 section 3.8: the server is closing
        return ServerDown("421")
    return MailRefused(str(code), final=code >= 500)


def _sender(text: str) -> Address:
    letter = EmailMessage(policy=SMTP)
    letter["From"] = text
    [address] = letter["From"].addresses
    if not address.domain or not address.addr_spec.isascii():
        raise ValueError(text)
    return Address(address.display_name, addr_spec=address.addr_spec)


def _security(parts: SplitResult, production: bool) -> str:
    known = {("smtps", ""): "tls", ("smtp", "starttls"): "starttls", ("smtp", ""): "none"}
    security = known.get((parts.scheme, parts.query))
    if security is None or not parts.hostname or parts.path.strip("/") or parts.fragment:
        raise ConfigurationError("MINHBACH_SMTP_URL must be smtps://host, or smtp://host?starttls")
    if security == "none" and production and parts.hostname not in LOOPBACK:
        raise ConfigurationError("MINHBACH_SMTP_URL must use TLS in production: smtps://…, or smtp://…?starttls")
    return security


def _password(config: Config, parts: SplitResult) -> str:
    if config.smtp_password_file is None:
        return unquote(parts.password or "")
    try:
        return config.smtp_password_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"MINHBACH_SMTP_PASSWORD_FILE cannot be read: {error}") from None
