"""Settings from the environment, each with a default that is safe on one machine."""

import contextlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


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


def settings_from(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; ValueError names the variable that makes no sense."""
    instance = Path(environment.get("INSTANCE_PATH") or ROOT / "instance").resolve()
    instance.mkdir(parents=True, exist_ok=True)
    port = environment.get("PORT", "5000")
    public_url = environment.get("PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/")
    if not public_url.startswith(("http://", "https://")):
        raise ValueError("PUBLIC_URL must begin with http:// or https://")
    hosts = environment.get("ALLOWED_HOSTS", "")
    return Settings(
        database_url=environment.get("DATABASE_URL") or f"sqlite:///{instance / 'equora.db'}",
        broker_url=environment.get("BROKER_URL") or "filesystem://localhost",
        public_url=public_url,
        secret_key=environment.get("SECRET_KEY") or _kept_secret(instance / "secret_key"),
        allowed_hosts=tuple(h.strip() for h in hosts.split(",") if h.strip())
        or ("127.0.0.1", "localhost", public_url.split("//", 1)[1].split(":")[0].split("/")[0]),
        instance=instance,
        smtp_url=environment.get("SMTP_URL") or None,
        mail_from=environment.get("MAIL_FROM", "Equora <noreply@localhost>"),
        demo=environment.get("EQUORA_DEMO", "1") not in ("0", "no", "false", ""),
        trusted_proxies=int(environment.get("TRUSTED_PROXIES", "0")),
    )


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
