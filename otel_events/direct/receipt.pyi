import threading
from collections.abc import Generator, Iterable
from typing import Any

from otel_events.direct.plain_receipt import Place, Waiting
from otel_events.exceptions import DeliveryError

class Receipt:
    closed: bool
    confirm_seconds: float
    where: Place | None
    error: DeliveryError | None
    _done: bool
    _late: bool
    _gate: threading.Event | None
    _waiting: Waiting | None
    def __init__(self, closed: bool = False, confirm_seconds: float = 0.0) -> None: ...
    def __await__(self) -> Generator[Any, Any, Place]: ...

def resolve(receipts: Iterable[Receipt], where: Place | None, error: DeliveryError | None = None) -> bool: ...
def wake(waiting: Waiting) -> None: ...
