"""Settings, from the environment or `.env`, with defaults that work on one machine.

Every process reads the same names; the supervisor hands its children ports and addresses through them.
Outside `CHO_ENV=local` a secret that still has its default refuses to start.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import AliasChoices, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SERVICES = ("identity", "onboarding", "catalog", "orders", "payments", "settlement")

_LOCAL_SECRET = "local-only-not-a-secret-"  # noqa: S105 - refused outside CHO_ENV=local


class Settings(BaseSettings):
    """One field a setting; the environment name is `CHO_` and the field's name unless an alias says otherwise."""

    model_config = SettingsConfigDict(env_prefix="CHO_", env_file=".env", extra="ignore", populate_by_name=True)

    env: str = "local"
    home: Path = Path(".cho")
    cell: str = "c01"

    # Engines. The supervisor starts embedded ones and sets these, unless they are set already.
    redis_url: str = Field("redis://127.0.0.1:6379/0", validation_alias=AliasChoices("REDIS_URL"))
    mongodb_uri: str = Field("mongodb://127.0.0.1:27017", validation_alias=AliasChoices("MONGODB_URI"))
    # The ledger's own server; the same as redis_url unless said.
    ledger_url: str = Field("", validation_alias=AliasChoices("LEDGER_URL"))
    # Replicas that must hold a payment on disk before it is acknowledged (DESIGN section 4, rule 5).
    ledger_replicas: int = Field(0, ge=0, le=5)
    # Counts promotions, from 1: above what the cell itself says, another of its servers was promoted (rule 6).
    ledger_epoch: int = Field(1, ge=1)
    # The ACL user as which copies follow the primary; the start gate lets it in. "" where there is no such user.
    ledger_copy_user: str = ""
    # How often a wallet may pay in a minute (services/payments/limits.py): people are slow, load tests are not.
    payments_a_minute: int = Field(60, ge=1, le=1_000_000)

    gateway_host: str = "127.0.0.1"
    gateway_port: int = 8080
    # Envoy's admin and its listener for the JWKS; loopback only.
    gateway_admin_port: int = 8081
    gateway_jwks_port: int = 8082
    # Multiplies the gateway's rate limits (gateway/limits.py): load tests have few users.
    rate_scale: float = Field(1.0, gt=0, le=100_000)
    # While a tenth of the payments' calls takes longer than this, ms, fewer are let in (gateway/admission.py). Less
    # than what the objective payment_p99 allows (docs/observability.md).
    # 0: all are let in, up to what is let in to any service, and payments' server looks at no time either.
    answered_soon_ms: int = Field(80, ge=0, le=10_000)

    # Whether the gateway has a filter that delays and refuses on demand of its admin port: for load tests under trouble
    # and nothing else (docs/load-tests.md).
    gateway_faults: bool = False

    identity_addr: str = "127.0.0.1:50051"
    onboarding_addr: str = "127.0.0.1:50052"
    catalog_addr: str = "127.0.0.1:50053"
    orders_addr: str = "127.0.0.1:50054"
    payments_addr: str = "127.0.0.1:50055"
    settlement_addr: str = "127.0.0.1:50056"
    # Where a process serves Prometheus metrics; port 0 for nowhere. In a pod the scraper comes from outside.
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0
    # Where spans go, an OTLP collector's HTTP address ("http://127.0.0.1:4318"); "" for nowhere: nothing is traced.
    traces_url: str = Field("", pattern=r"^(https?://[^/\s]+(/\S*)?)?$")
    # Of the requests that come in at the gateway, the share that is traced.
    traces_ratio: float = Field(1.0, ge=0, le=1)

    # What proves to a service that claims come from the gateway or another service.
    edge_secret: str = _LOCAL_SECRET + "edge"
    # Encrypts fields at rest (AES-256-GCM), and makes their blind indexes (HMAC-SHA-256).
    field_key: str = _LOCAL_SECRET + "field"
    index_key: str = _LOCAL_SECRET + "index"
    # Earlier field keys, comma-separated: they decrypt only, until `cho keys rotate` is through (docs/privacy.md).
    field_keys_old: str = ""
    # A CSV file of people to look at before they may sell (services/onboarding/ports/watchlist.py); "" for the one in
    # `home`, if there is one.
    watch_list: str = ""
    # Who sends text messages: an HTTP address that takes JSON, and its bearer token; "" for a file in `home`, where
    # CHO_ENV=local, and for nobody elsewhere (kit/sms.py).
    sms_url: str = Field("", pattern=r"^(https?://[^/\s]+(/\S*)?)?$")
    sms_token: str = ""
    # The outside provider of OpenID Connect that people may sign in through, by its issuer's URL; "" for none
    # (services/identity/external). Where it sends people back to is ours, and the same for everybody.
    oidc_issuer: str = Field("", pattern=r"^(https?://[^/\s?#]+(/[^\s?#]*)?)?$")
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_redirect_uri: str = ""
    # Where `cho up` starts a provider to try it with (simulators/oidc), and signs in through that; 0 for none.
    oidc_simulator_port: int = 0

    # What settlement signs trust statements with; only its server has it, and refuses to do without (`own_secret`).
    settlement_signing_secret: str = _LOCAL_SECRET + "settlement"

    # The bank that settles; the scheme's account, the platform's own and the telecoms' there.
    settlement_bank: str = Field("970418", pattern=r"^[0-9]{6}$")
    scheme_account: str = Field("99990000000001", pattern=r"^[0-9A-Za-z]{6,19}$")
    platform_account: str = Field("99990000000002", pattern=r"^[0-9A-Za-z]{6,19}$")
    telecom_accounts: str = "VIETTEL=99990000000101,VNPT=99990000000102,MOBIFONE=99990000000103"
    # When windows close: a file like services/settlement/data/schedule.json, "shipped" for that one, "off" for by hand.
    settlement_schedule: str = "shipped"

    # Where people reach the gateway from outside ("https://cho.example.vn"): an invoice's QR code leads there. "" for
    # the gateway's own address, which only this machine may reach.
    public_url: str = Field("", pattern=r"^(https?://[^/\s?#]+(/[^\s?#]*)?)?$")
    # Who sends invoices, as the tax authority knows the platform (docs/tax.md): "" for nobody, so that they wait; on a
    # local stack for one that is made up. Messages and answers are files in `home`.
    invoice_sender: str = Field("", pattern=r"^[0-9A-Z]{0,14}$")

    # The card provider: Stripe, or what speaks its API; unless said, our simulator (simulators/card) at its usual port.
    stripe_api_base: str = Field("http://127.0.0.1:8083", validation_alias=AliasChoices("STRIPE_API_BASE"))
    # Only payments' processes have these two, and refuse to do without (`own_secret`).
    stripe_secret_key: str = Field("sk_test_localNotASecret", validation_alias=AliasChoices("STRIPE_SECRET_KEY"))
    stripe_webhook_secret: str = Field("whsec_localNotASecret", validation_alias=AliasChoices("STRIPE_WEBHOOK_SECRET"))
    # The simulator: where it listens, where it sends its webhooks ("" for nowhere), and what opens its `/control`.
    card_simulator_port: int = 8083
    card_webhook_url: str = ""
    card_control_secret: str = _LOCAL_SECRET + "card-control"

    log_level: str = "INFO"

    @model_validator(mode="after")
    def _check(self) -> Settings:
        if not self.ledger_url:
            self.ledger_url = self.redis_url
        if self.gateway_faults and self.env != "local":
            raise ValueError("CHO_GATEWAY_FAULTS is for CHO_ENV=local")
        if self.env != "local":
            secrets = {name: str(getattr(self, name)).strip() for name in ("edge_secret", "field_key", "index_key")}
            left = [name for name, secret in secrets.items() if not secret or secret.startswith(_LOCAL_SECRET)]
            if left:
                wanted = ", ".join(f"CHO_{name.upper()}" for name in left)
                raise ValueError(f"set {wanted}: defaults are for CHO_ENV=local, and empty is none")
        return self

    def own_secret(self, name: str) -> str:
        """A secret that only some processes have. Raises ValueError where it is the default or empty, outside
        CHO_ENV=local."""
        secret, field = str(getattr(self, name)), type(self).model_fields[name]
        if self.env != "local" and (not secret.strip() or secret == field.default):
            alias = field.validation_alias
            known_as = alias.choices[0] if isinstance(alias, AliasChoices) else f"CHO_{name.upper()}"
            raise ValueError(f"set {known_as}: its default is for CHO_ENV=local")
        return secret

    def addr(self, service: str) -> str:
        """`host:port` of a service's gRPC server."""
        return str(getattr(self, f"{service}_addr"))

    def mongo_database(self, service: str) -> str:
        """Name of a service's own database."""
        return f"cho_{service}"


@cache
def settings() -> Settings:
    """This process's settings, read once."""
    return Settings()
