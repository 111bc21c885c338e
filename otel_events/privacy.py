"""Privacy, in the type: markers for fields, the policy they are read with, and the words that give a secret away.

A marker stands in a field's annotation, ``email: Annotated[str, Personal()]``. What is done about it is decided by the
``Policy`` of the listener that converts the event, which comes from the settings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal, get_args

from otel_events.exceptions import SettingsError
from otel_events.semconv import is_namespace

PersonalPolicy = Literal["keep", "pseudonym", "drop"]
Treatment = Literal["keep", "pseudonym", "drop", "redact"]
ActorPolicy = Literal["full", "id", "pseudonym", "none"]

PERSONAL_POLICIES: Final[tuple[str, ...]] = get_args(PersonalPolicy)
"""From the mildest to the strictest."""
ACTOR_POLICIES: Final[tuple[str, ...]] = get_args(ActorPolicy)

REDACTED: Final = "[redacted]"
MIN_PSEUDONYM_KEY_BYTES: Final = 16


@dataclass(frozen=True)
class Personal:
    """Marks a field as personal data: ``Annotated[str, Personal()]``.

    Args:
        policy: ``"keep"``, ``"pseudonym"`` (HMAC-SHA-256 with the key of the settings) or ``"drop"``. Between this one and the
            one of the settings the stricter holds.

    Raises:
        SettingsError: When ``policy`` is none of the three.
    """

    policy: PersonalPolicy = "keep"

    def __post_init__(self) -> None:
        if self.policy not in PERSONAL_POLICIES:
            raise SettingsError(f"Personal(policy={self.policy!r}): expected one of {', '.join(PERSONAL_POLICIES)}")


@dataclass(frozen=True)
class Secret:
    """Marks a field whose value never leaves the process: ``[redacted]`` stands in its place."""


@dataclass(frozen=True)
class Attribute:
    """Gives a field another attribute key than ``<namespace>.<field>``: ``Annotated[str, Attribute("db.collection.name")]``.

    Args:
        key: The whole attribute key, used verbatim.
    """

    key: str


@dataclass(frozen=True)
class Unit:
    """States the unit of a number, in UCUM as OpenTelemetry's metrics have it: ``Annotated[int, Unit("By")]``.

    It changes nothing in the record; what is generated from the class (metrics, docs, dashboards) uses it.

    Args:
        ucum: The unit's case-sensitive UCUM code, such as ``By``, ``s`` or ``{row}``.
    """

    ucum: str


Marker = Personal | Secret | Attribute | Unit
MARKER_TYPES: Final = (Personal, Secret, Attribute, Unit)


@dataclass(frozen=True)
class Policy:
    """How a listener treats what is private, and where fields are named.

    Args:
        actor: What of an actor is kept: ``full``, ``id``, ``pseudonym`` or ``none``.
        personal: The least that is done to fields marked ``Personal``.
        pseudonym_key: The HMAC key for pseudonyms, at least 16 bytes; never shown.
        keep_keys: Keys exempt from redaction by name: a field's or a key's own name (``token_expires``), or a whole attribute
            key (``actor.token``).
        namespace: The prefix of fields whose class names none itself; None takes the package that defines the class.

    Raises:
        SettingsError: When one of them is none of the values above.
    """

    actor: ActorPolicy = "full"
    personal: PersonalPolicy = "keep"
    pseudonym_key: bytes | None = field(default=None, repr=False)
    keep_keys: frozenset[str] = frozenset()
    namespace: str | None = None

    def __post_init__(self) -> None:
        for name, value, expected in (
            ("actor", self.actor, ACTOR_POLICIES),
            ("personal", self.personal, PERSONAL_POLICIES),
        ):
            if value not in expected:
                raise SettingsError(f"Policy({name}={value!r}): expected one of {', '.join(expected)}")
        key = self.pseudonym_key
        if key is not None and (not isinstance(key, bytes) or len(key) < MIN_PSEUDONYM_KEY_BYTES):
            raise SettingsError(
                f"Policy(pseudonym_key=…): the value given (not shown) is not at least {MIN_PSEUDONYM_KEY_BYTES} bytes"
            )
        if not isinstance(self.keep_keys, frozenset) or not all(isinstance(key, str) for key in self.keep_keys):
            raise SettingsError(f"Policy(keep_keys={self.keep_keys!r}): expected a frozenset of names")
        if self.namespace is not None and not is_namespace(self.namespace):
            raise SettingsError(f"Policy(namespace={self.namespace!r}): expected a prefix without dots around it")

    def is_secret(self, name: str, key: str) -> bool:
        """Tell whether a value under this name must be redacted for the name's sake.

        Args:
            name: The name of the field or mapping key itself.
            key: The whole attribute key it would get.
        """
        return looks_secret(name) and name not in self.keep_keys and key not in self.keep_keys

    def treatment(self, marker: Personal | Secret | None, name: str, alias: str | None, key: str) -> Treatment:
        """Say what is done to a value on its way out.

        Args:
            marker: The marker on it.
            name: Its own name.
            alias: The name or key that it takes instead, if any.
            key: The whole attribute key it would get under its own name, or ``alias``.
        """
        try:
            if isinstance(marker, Secret) or self.is_secret(name, key) or (alias and self.is_secret(alias, alias)):
                return "redact"
            return stricter(marker.policy, self.personal) if isinstance(marker, Personal) else "keep"
        except Exception:
            return "redact"

    def pseudonym(self, text: str) -> str:
        """Return the pseudonym of ``text``: 64 hexadecimal digits, the same for the same text and key.

        Without a key, ``[redacted]``: what was to be hidden is never shown for want of a setting.
        """
        if self.pseudonym_key is None:
            return REDACTED
        import hashlib  # With OpenSSL behind it, which most applications of this package have no other need for.
        import hmac

        return hmac.new(self.pseudonym_key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


DEFAULT_POLICY: Final = Policy()

_MAX_NAME_LENGTH: Final = 512
_WORDS: Final = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+"
"""Not compiled before it is used, for that is a part of what an import of this package takes."""
# fmt: off
_SECRET_WORDS: Final = frozenset({
    "password", "passwords", "passwd", "passphrase", "passphrases", "passcode", "pwd", "secret", "secrets",
    "token", "tokens", "cookie", "cookies", "authorization", "credential", "credentials", "apikey", "apikeys",
    "privatekey", "secretkey", "accesskey", "accesstoken", "authtoken", "refreshtoken", "jwt", "otp",
})
# fmt: on
_SECRET_PAIRS: Final = frozenset(
    {("api", "key"), ("api", "keys"), ("private", "key"), ("access", "key"), ("pass", "word"), ("pass", "phrase")}
)


def looks_secret(key: str) -> bool:
    """Tell whether a key has a whole word that names a secret.

    Words end at anything but a letter or digit and at a change from small to capital letters, so ``access_token``,
    ``accessToken``, ``X-Api-Key`` and ``HTTPCookie`` do, ``tokenizer`` and ``secretary`` do not. A key of more than 512
    characters is not read, and so counts as secret.
    """
    return len(key) > _MAX_NAME_LENGTH or _has_secret_word(key)


@lru_cache(maxsize=4096)
def _has_secret_word(key: str) -> bool:
    words = [word.lower() for word in re.findall(_WORDS, key)]
    return not _SECRET_WORDS.isdisjoint(words) or any(pair in _SECRET_PAIRS for pair in pairwise(words))


def stricter(one: PersonalPolicy, other: PersonalPolicy) -> PersonalPolicy:
    """Return the stricter of two policies for personal fields."""
    return max(one, other, key=PERSONAL_POLICIES.index)
