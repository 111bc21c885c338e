"""gevent: what cannot work where threads are greenlets is refused in words."""

from __future__ import annotations

import sys

from otel_events.exceptions import SettingsError
from otel_events.settings.otlp import OtlpSettings


def refuse_grpc_among_greenlets(otlp: OtlpSettings) -> None:
    """Refuse the protocol gRPC where gevent has patched threads and gRPC has not been told.

    An export would be waited for in C: until it is answered, or its timeout is over, no greenlet of the process would run.

    Args:
        otlp: How a signal is exported.

    Raises:
        SettingsError: It is so; the text says what to do.
    """
    monkey = sys.modules.get("gevent.monkey")
    if otlp.protocol != "grpc" or monkey is None or not monkey.is_module_patched("threading"):
        return
    cygrpc = sys.modules.get("grpc._cython.cygrpc")
    if cygrpc is None or not getattr(cygrpc, "g_gevent_activated", True):
        raise SettingsError(
            "protocol is grpc and gevent has patched threads, but gRPC does not know of gevent: each export would hold up every "
            "greenlet. Call grpc.experimental.gevent.init_gevent() right after gevent.monkey.patch_all(), or set "
            "protocol=http/protobuf."
        )
