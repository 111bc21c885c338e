"""How one signal is exported over OTLP (OpenTelemetry specification, "OpenTelemetry Protocol Exporter")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit, urlunsplit

from otel_events.settings import readers
from otel_events.settings.header_file import Found, HeaderFile
from otel_events.settings.sources import Sources, hidden, without_credentials

PROTOCOLS: Final = ("http/protobuf", "grpc")
COMPRESSIONS: Final = ("none", "gzip")

OTLP_ARGUMENTS: Final = (
    "endpoint",
    "protocol",
    "headers",
    "insecure",
    "certificate",
    "client_key",
    "client_certificate",
    "compression",
    "timeout_seconds",
)
"""The arguments of ``configure()`` that are read here, in the order of the fields below."""

T = TypeVar("T")


@dataclass(frozen=True)
class OtlpSettings:
    """How one signal is exported over OTLP.

    Args:
        endpoint: The URL that requests go to; for HTTP with the signal's path.
        protocol: ``http/protobuf`` or ``grpc``.
        headers: Sent with each request, with those of the file as they were when the settings were resolved; never shown.
        insecure: gRPC without TLS. An ``http`` or ``https`` scheme in the endpoint decides before it does.
        certificate: File with the certificates to trust, PEM; None for the system's.
        client_key: File with the client's private key, PEM.
        client_certificate: File with the client's certificate, PEM.
        compression: ``none`` or ``gzip``.
        timeout_seconds: For one request on the direct pipeline; on the SDK's, for one export with its retries.
        header_file: Where headers stand that may change; None for nowhere.
    """

    endpoint: str = field(repr=False)
    protocol: str
    headers: Mapping[str, str] = field(repr=False)
    insecure: bool
    certificate: str | None
    client_key: str | None
    client_certificate: str | None
    compression: str
    timeout_seconds: float
    header_file: HeaderFile | None = None

    @property
    def shown_endpoint(self) -> str:
        """The endpoint without user name, password and query, fit for a log."""
        if "://" not in self.endpoint:
            return self.endpoint.rpartition("@")[2]
        parts = urlsplit(self.endpoint)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=parts.query and "…"))

    @property
    def tls(self) -> bool:
        """Whether it goes over TLS."""
        return not self.insecure if "://" not in self.endpoint else self.endpoint.startswith("https://")

    def with_headers_now(self) -> OtlpSettings:
        """Return the same with what stands in the file with headers now; where that cannot be used, as it is."""
        if self.header_file is None:
            return self
        try:
            return replace(self, headers=self.header_file.read())
        except (OSError, ValueError):
            return self

    def read_pem_files(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """Return what is in the files with the trusted certificates, the client's key and its certificate; None for each not set.

        One file may hold both key and certificate. Without a certificate the key is of no use, and left out.

        Raises:
            OSError: A file cannot be read.
        """
        root = None if self.certificate is None else Path(self.certificate).read_bytes()
        if self.client_certificate is None:
            return root, None, None
        certificate = Path(self.client_certificate).read_bytes()
        key = certificate if self.client_key is None else Path(self.client_key).read_bytes()
        return root, key, certificate

    def described(self) -> list[tuple[str, str]]:
        """Return names and values of all settings, fit to be shown."""
        shown = {name: getattr(self, name) for name in OTLP_ARGUMENTS}
        shown["endpoint"] = self.shown_endpoint
        shown["headers"] = ", ".join(f"{name}=…" for name in self.headers) or None
        shown["insecure"] = str(self.insecure).lower()
        return [(name, "-" if value is None else str(value)) for name, value in shown.items()]


def otlp_settings(sources: Sources, signal: str, found: Found | None = None) -> OtlpSettings:
    """Return the settings of a signal: for each the argument, else the signal's variable, else the common one.

    Args:
        sources: Where to look.
        signal: ``logs`` or ``traces``.
        found: The file with headers, where there is one, and what stands in it.

    Raises:
        SettingsError: An argument is bad.
    """

    def standard(
        name: str, default: T, read: Callable[[Any], T], expected: str, variable: str | None = None, **more: Any
    ) -> T:
        suffix = variable or name.upper()
        variables = (f"OTEL_EXPORTER_OTLP_{signal.upper()}_{suffix}", f"OTEL_EXPORTER_OTLP_{suffix}")
        return sources.standard(f"{signal}.{name}", name, variables, default, read, expected, **more)

    protocol = standard("protocol", PROTOCOLS[0], readers.one_of(*PROTOCOLS), " or ".join(PROTOCOLS))
    grpc = protocol == "grpc"
    base = "http://localhost:4317" if grpc else "http://localhost:4318"
    endpoint = standard(
        "endpoint",
        base,
        readers.grpc_endpoint if grpc else readers.url,
        f"a URL such as {base}",
        show=without_credentials,
    )
    if not grpc and not sources.found.get(f"{signal}.endpoint", "").endswith(f"_{signal.upper()}_ENDPOINT"):
        endpoint = _with_path(endpoint, f"v1/{signal}")
    a_file: str | None = None
    resolved = OtlpSettings(
        endpoint=endpoint,
        protocol=protocol,
        headers=standard(
            "headers",
            {},
            readers.headers,
            "a mapping of names to values, in ASCII",
            expected_text="name=value pairs, in ASCII, separated by commas",
            show=hidden,
        ),
        insecure=standard("insecure", False, readers.boolean, "true or false"),
        certificate=standard("certificate", a_file, readers.file, "a file that can be read"),
        client_key=standard("client_key", a_file, readers.file, "a file that can be read"),
        client_certificate=standard("client_certificate", a_file, readers.file, "a file that can be read"),
        compression=standard("compression", COMPRESSIONS[0], readers.one_of(*COMPRESSIONS), " or ".join(COMPRESSIONS)),
        timeout_seconds=standard(
            "timeout_seconds",
            10.0,
            readers.seconds,
            "a number of seconds above 0 and below a day",
            "TIMEOUT",
            read_text=readers.milliseconds,
            expected_text="a number of milliseconds above 0 and below a day",
        ),
    )
    if found is None:
        return resolved
    elsewhere = sources.found.get(f"{signal}.headers")
    sources.found[f"{signal}.headers"] = " and ".join(filter(None, (elsewhere, sources.found["headers_file"])))
    file = HeaderFile(found.path, resolved.headers)
    return replace(resolved, headers=file.over_others(found.headers), header_file=file)


def _with_path(base: str, path: str) -> str:
    parts = urlsplit(base)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{path}"))
