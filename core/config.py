"""Settings from the environment, each with a default that is safe on one machine."""

import contextlib
import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parent.parent
YES, NO = ("1", "yes", "true", "on"), ("0", "no", "false", "off", "")


@dataclass(frozen=True)
class Settings:
    """Everything that differs between two installations."""

    database_url: str
    broker_url: str
    public_url: str
    secret_key: str
    allowed_hosts: tuple[str, ...]
    instance: Path
    smtp_url: str | None
    mail_from: str
    demo: bool
    trusted_proxies: int

    @property
    def https(self) -> bool:
        """Whether the product is reached over TLS, which decides the cookies' names and flags."""
        return self.public_url.startswith("https://")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the product by its public address."""
        return _is_loopback(urlsplit(self.public_url).hostname or "")


def settings_from(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; ValueError names the variable that makes no sense."""
    instance = Path(environment.get("INSTANCE_PATH") or ROOT / "instance").resolve()
    instance.mkdir(parents=True, exist_ok=True)
    port = environment.get("PORT", "5000")
    public_url = environment.get("PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/")
    host = urlsplit(public_url).hostname
    if not public_url.startswith(("http://", "https://")) or not host:
        raise ValueError("PUBLIC_URL must begin with http:// or https:// and name a host")
    hosts = environment.get("ALLOWED_HOSTS", "")
    return Settings(
        database_url=environment.get("DATABASE_URL") or f"sqlite:///{instance / 'equora.db'}",
        broker_url=environment.get("BROKER_URL") or "filesystem://localhost",
        public_url=public_url,
        secret_key=environment.get("SECRET_KEY") or _kept_secret(instance / "secret_key"),
        allowed_hosts=tuple(h.strip() for h in hosts.split(",") if h.strip())
        or ("127.0.0.1", "localhost", f"[{host}]" if ":" in host else host),
        instance=instance,
        smtp_url=environment.get("SMTP_URL") or None,
        mail_from=environment.get("MAIL_FROM", "Equora <noreply@localhost>"),
        demo=_switch(environment, "EQUORA_DEMO", otherwise=_is_loopback(host)),
        trusted_proxies=_count(environment, "TRUSTED_PROXIES"),
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _switch(environment: Mapping[str, str], name: str, *, otherwise: bool) -> bool:
    """A setting that is on or off; what is meant by any other word must not be guessed."""
    word = environment.get(name, YES[0] if otherwise else NO[0]).strip().lower()
    if word not in YES + NO:
        raise ValueError(f"{name} must be 1 or 0")
    return word in YES


def _count(environment: Mapping[str, str], name: str) -> int:
    word = environment.get(name) or "0"
    if not (word.isascii() and word.isdigit()):
        raise ValueError(f"{name} must be a number, 0 or more")
    return int(word)


def _kept_secret(path: Path) -> str:
    """One secret per installation, made on first start; the first of several racing starts wins, no one reads half."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="ascii")


_installed: list[Settings] = []


def install(settings: Settings) -> None:
    """Make these the settings that `installed()` answers; called once by the application factory."""
    _installed[:] = [settings]


def installed() -> Settings:
    """The settings of the running application, for code that knows no web request."""
    if not _installed:
        install(settings_from())
    return _installed[0]
