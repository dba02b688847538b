"""Settings, read once from ``MINHBACH_*`` and never changed afterwards; docs/operating.md lists them all."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.negotiation import MAX_PROPOSALS
from exchange.errors import ExchangeError
from exchange.secret_files import make_once

TURN_DAYS = 45  # for each answer in a negotiation; a default of ours, no article sets it


class ConfigurationError(ExchangeError):
    """A setting is missing, malformed, or unsafe for production."""


@dataclass(frozen=True)
class Config:
    """Everything the exchange needs to know before it starts."""

    home: Path
    database_url: str
    store_url: str
    base_url: str
    secret_key: str
    log_origin: str
    log_promise: Path | None
    log_folder: Path | None
    witness_policy: Path | None
    tsa_url: str | None
    tsa_roots: Path | None
    smtp_url: str | None
    smtp_password_file: Path | None
    mail_from: str | None
    production: bool
    max_upload_bytes: int
    turn_days: int
    max_proposals: int
    spark_above: int | None
    demo: bool

    @property
    def market(self) -> dict[str, int]:
        """What use cases need to know of the settings; every session carries it."""
        return {"turn_days": self.turn_days, "max_proposals": self.max_proposals}

    @property
    def secure(self) -> bool:
        """Whether people reach us over HTTPS, so that cookies may say so."""
        return self.base_url.startswith("https://")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> "Config":
        """Read ``MINHBACH_*``; raises ConfigurationError when production would start unsafe."""
        home = Path(environ.get("MINHBACH_HOME", "var")).resolve()
        production = environ.get("MINHBACH_PRODUCTION", "0") == "1"
        config = cls(
            home=home,
            database_url=environ.get("MINHBACH_DATABASE_URL", f"sqlite:///{home}/minhbach.sqlite"),
            store_url=environ.get("MINHBACH_STORE_URL", (home / "store").as_uri()),
            base_url=environ.get("MINHBACH_BASE_URL", "http://127.0.0.1:8000").rstrip("/"),
            secret_key=_secret(Path(environ.get("MINHBACH_SECRET_FILE", home / "secret")), production),
            log_origin=environ.get("MINHBACH_LOG_ORIGIN", "log.minhbach.example/2026"),
            log_promise=_path(environ, "MINHBACH_LOG_PROMISE"),
            log_folder=_path(environ, "MINHBACH_LOG_FOLDER"),
            witness_policy=_path(environ, "MINHBACH_WITNESS_POLICY"),
            tsa_url=environ.get("MINHBACH_TSA_URL") or None,
            tsa_roots=_path(environ, "MINHBACH_TSA_ROOTS"),
            smtp_url=environ.get("MINHBACH_SMTP_URL") or None,
            smtp_password_file=_path(environ, "MINHBACH_SMTP_PASSWORD_FILE"),
            mail_from=environ.get("MINHBACH_MAIL_FROM") or None,
            production=production,
            max_upload_bytes=_whole_number(environ, "MINHBACH_MAX_UPLOAD_BYTES", 4 * 1024**3),
            turn_days=_whole_number(environ, "MINHBACH_TURN_DAYS", TURN_DAYS, most=3650),
            max_proposals=_whole_number(environ, "MINHBACH_MAX_PROPOSALS", MAX_PROPOSALS, most=1000),
            spark_above=_whole_number(environ, "MINHBACH_SPARK_ABOVE", 1)
            if environ.get("MINHBACH_SPARK_ABOVE")
            else None,
            demo=environ.get("MINHBACH_DEMO", "0") == "1",
        )
        config._check()
        return config

    def _check(self) -> None:
        if (self.tsa_url is None) != (self.tsa_roots is None):
            raise ConfigurationError("MINHBACH_TSA_URL and MINHBACH_TSA_ROOTS are set both or not at all")
        if (self.smtp_url is None) != (self.mail_from is None):
            raise ConfigurationError("MINHBACH_SMTP_URL and MINHBACH_MAIL_FROM are set both or not at all")
        if self.production and not self.secure:
            raise ConfigurationError("MINHBACH_BASE_URL must begin with https:// in production")
        if self.production and self.demo:
            raise ConfigurationError("MINHBACH_DEMO must not be set in production: its passwords are public")


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    """A file or folder that need not be there yet; relative ones count from where the command is run."""
    text = environ.get(name, "")
    return Path(text).resolve() if text else None


def _whole_number(environ: Mapping[str, str], name: str, default: int, most: int | None = None) -> int:
    text = environ.get(name, str(default))
    if not text.isdecimal() or int(text) == 0:
        raise ConfigurationError(f"{name} must be a positive whole number, not {text!r}")
    if most is not None and int(text) > most:
        raise ConfigurationError(f"{name} must be at most {most}, not {text}")
    return int(text)


def _size(environ: Mapping[str, str], name: str) -> int | None:
    return _whole_number(environ, name, 1) if environ.get(name) else None


def _secret(path: Path, production: bool) -> str:
    """The cookie-signing secret: made on first start for development, demanded in production."""
    if path.exists():
        text = path.read_text().strip()
        if len(text) < 32:
            raise ConfigurationError(f"the secret in {path} is shorter than 32 characters")
        return text
    if production:
        raise ConfigurationError(f"MINHBACH_SECRET_FILE {path} does not exist; production makes no secret by itself")
    make_once(path, secrets.token_urlsafe(48).encode())  # makes the home folder too: database and files will lie there
    return path.read_text()
