"""Nothing marked, and nothing whose name gives it away, leaves the process, however deep and in whatever it is hidden."""

from __future__ import annotations

import argparse
import base64
import collections
import functools
import hashlib
import hmac
import itertools
import operator
import sqlite3
import types
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Annotated, Any, Final, Generic, NamedTuple, NewType, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events import (
    Attribute,
    Event,
    EventDefinitionError,
    Personal,
    Policy,
    Secret,
    SettingsError,
    Stamp,
    to_log_record,
    to_span_event,
)
from otel_events.configure import pseudonym_check
from otel_events.conversion.record import LogRecord
from otel_events.definition import read
from otel_events.privacy import REDACTED, PersonalPolicy, looks_secret, stricter
from otel_events.settings import resolve
from tests import strategies
from tests.conversion.official import Official

OFFICIAL = Official()
KEY = b"0123456789abcdef"
HIDDEN: Final = "hidden7f3a9c"
STRICT = Policy(actor="full", personal="drop", pseudonym_key=KEY)

T = TypeVar("T")
Email = Annotated[str, Personal("drop")]
Ssn = NewType("Ssn", Annotated[str, Secret()])


@dataclass
class Happened(Event):
    name = "happened"
    namespace = "app"
    value: Any


def said(event: Any, stamp: Stamp | None = None, policy: Policy = STRICT) -> tuple[LogRecord, bytes]:
    """Return an event's log record, and all that is sent of it, as a log record and as a span event."""
    record = to_log_record(event, stamp=stamp, policy=policy)
    span_event = to_span_event(event, stamp=stamp, policy=policy)
    return record, OFFICIAL.log(record) + OFFICIAL.span(span_event) + repr((record, span_event)).encode()


def assert_hidden(sent: bytes) -> None:
    assert HIDDEN.encode() not in sent
    assert base64.b64encode(HIDDEN.encode()).rstrip(b"=")[:-1] not in sent
    assert HIDDEN.encode().hex().encode() not in sent


# -- what is hidden in values ------------------------------------------------------------------------------------------------


@dataclass
class User:
    ssn: Annotated[Any, Secret()]
    name: str = "alice"

    def greet(self) -> None: ...


@dataclass
class Customer(User):
    more: int = 1


@dataclass(frozen=True)
class Frozen:
    email: Annotated[Any, Personal("drop")]


@dataclass(slots=True)
class Slots:
    email: Email | None


@dataclass
class Optional:
    numbers: dict[str, list[Annotated[Any, Personal("pseudonym")] | None]]


@dataclass
class Inner(Generic[T]):
    value: T


@dataclass
class Outer:
    inner: Inner[Annotated[str, Secret()]]


@dataclass
class Named:
    access_token: Any


@dataclass
class Quiet:
    password: Any = field(repr=False)


class Marked(NamedTuple):
    ssn: Annotated[Any, Secret()]
    other: int = 1


class MarkedTwice(Marked):
    """What a base marks is marked."""


class Plain:
    """No dataclass: its text is its own."""

    ssn: Annotated[Any, Secret()]

    def __init__(self, ssn: Any) -> None:
        self.ssn = ssn

    def __str__(self) -> str:
        return f"ssn {self.ssn}"


class Teller:
    """Tells what it holds."""

    def __init__(self, held: Any) -> None:
        self._held = held

    def __str__(self) -> str:
        return f"I hold {self._held}"


class SlotTeller:
    __slots__ = ("api_key",)

    def __init__(self, api_key: Any) -> None:
        self.api_key = api_key

    def __repr__(self) -> str:
        return f"SlotTeller({self.api_key})"


class TellingError(Exception):
    def __init__(self, held: Any) -> None:
        super().__init__("an error")
        self.held = held

    def __str__(self) -> str:
        return f"I hold {self.held}"


class AttrsLike:
    """As the attrs library makes classes."""

    __attrs_attrs__ = (types.SimpleNamespace(name="ssn"),)
    ssn: Annotated[Any, Secret()]

    def __init__(self, ssn: Any) -> None:
        self.ssn = ssn


def member_of_enum(hidden: str) -> Any:
    class Members(User, Enum):
        ALICE = hidden

    return Members.ALICE


def row(hidden: str) -> Any:
    with sqlite3.connect(":memory:") as connection:
        connection.row_factory = sqlite3.Row
        result = connection.execute("SELECT 1 AS id, ? AS password", [hidden]).fetchone()
    connection.close()
    return result


def pydantic_model(hidden: str) -> Any:
    pydantic = pytest.importorskip("pydantic")

    class Model(pydantic.BaseModel):  # type: ignore[misc,name-defined]
        email: Email
        other: int = 1

    return Model(email=hidden)


def pydantic_names(hidden: str) -> Any:
    pydantic = pytest.importorskip("pydantic")

    class Model(pydantic.BaseModel):  # type: ignore[misc,name-defined]
        password: str

    return Model(password=hidden)


KEPT: list[Any] = []


def kept(value: Any) -> Any:
    """Keep what is only referred to weakly."""
    KEPT.append(value)
    return value


PLANTS: Final[dict[str, Callable[[Any], Any]]] = {
    "a key": lambda hidden: {"password": hidden},
    "a key of bytes": lambda hidden: {b"set-cookie": hidden},
    "a key of several parts": lambda hidden: {("api_key", 1): hidden},
    "a key that is an enum's": lambda hidden: {Enum("Key", {"A": "token"}).A: hidden},  # type: ignore[attr-defined]
    "a key too long to be read": lambda hidden: {"x" * 600 + "_password": hidden},
    "a key with its word at the end": lambda hidden: {"x" * 400 + "_password": hidden},
    "a key with a lone surrogate": lambda hidden: {"\ud800 password": hidden},
    "a number under a key": lambda hidden: {"token": int.from_bytes(hidden.encode(), "big")},
    "bytes under a key": lambda hidden: {"secret": hidden.encode()},
    "all under a key": lambda hidden: {"credentials": {"user": hidden, "more": [hidden]}},
    "pairs": lambda hidden: [("accept", "*"), ("authorization", hidden)],
    "pairs of bytes": lambda hidden: [[b"cookie", hidden.encode()]],
    "the items of a mapping": lambda hidden: {"password": hidden}.items(),
    "the values of a mapping": lambda hidden: {"a": User(hidden)}.values(),
    "a mapping of another kind": lambda hidden: types.MappingProxyType({"token": hidden}),
    "mappings in a chain": lambda hidden: collections.ChainMap({}, {"token": hidden}),
    "a namespace": lambda hidden: types.SimpleNamespace(token=hidden),
    "arguments of a command": lambda hidden: argparse.Namespace(password=hidden),
    "a row of a database": row,
    "a marked field": User,
    "an inherited field": Customer,
    "a field of a frozen dataclass": Frozen,
    "a field of a dataclass with slots": Slots,
    "inside an annotation": lambda hidden: Optional({"a": [hidden]}),
    "an argument of a generic dataclass": lambda hidden: Outer(Inner(hidden)),
    "a field named like a secret": Named,
    "a field without repr": Quiet,
    "a named tuple": Marked,
    "a subclass of a named tuple": MarkedTwice,
    "a class of its own": Plain,
    "an attrs class": AttrsLike,
    "a pydantic model": pydantic_model,
    "a pydantic model's field name": pydantic_names,
    "the member of an enum": member_of_enum,
    "an object that tells": lambda hidden: Teller(User(hidden)),
    "an object that tells what another tells": lambda hidden: Teller(Teller([{"a": Teller(Marked(hidden))}])),
    "an object that tells a key": lambda hidden: Teller({"token": hidden}),
    "an object that tells much": lambda hidden: Teller([*range(2000), User(hidden)]),
    "an object with slots": SlotTeller,
    "an error": lambda hidden: ValueError("bad", User(hidden)),
    "an error about a mapping": lambda hidden: KeyError({"password": hidden}),
    "an error that tells": lambda hidden: TellingError(User(hidden)),
    "a method": lambda hidden: User(hidden).greet,
    "a partial function": lambda hidden: functools.partial(print, User(hidden)),
    "a named argument of one": lambda hidden: functools.partial(print, password=hidden),
    "a slice": lambda hidden: slice(User(hidden)),
    "a repetition": lambda hidden: itertools.repeat(User(hidden), 3),
    "a proxy": lambda hidden: weakref.proxy(kept(User(hidden))),
    "a proxy of a class of its own": lambda hidden: weakref.proxy(kept(Plain(hidden))),
    "a set": lambda hidden: {Frozen(hidden), Frozen(1)},
    "a key that is marked": lambda hidden: {Frozen(hidden): 1},
    "itself": lambda hidden: kept(_holding_itself(hidden)),
}  # fmt: skip
"""Makers of values in which something is hidden."""


def _holding_itself(hidden: str) -> Any:
    outer: list[Any] = [User(hidden), {"password": hidden}]
    outer.append({"up": outer})
    return outer


WRAPS: Final[dict[str, Callable[[Any], Any]]] = {
    "list": lambda value: [value],
    "tuple": lambda value: (1, value, 2),
    "pair": lambda value: ("a", value),
    "deque": lambda value: collections.deque([value]),
    "mapping": lambda value: {"a": 1, "b": value},
    "values": lambda value: {"a": value}.values(),
    "namespace": lambda value: types.SimpleNamespace(a=value),
    "dataclass": strategies.Box,
    "slots": strategies.SlotBox,
    "named tuple": lambda value: strategies.Point(1, value),
    "teller": Teller,
    "error": ValueError,
    "partial": lambda value: functools.partial(print, value),
    "late": lambda value: [*range(900), value],
    "five lists": lambda value: [[[[[value]]]]],
}

plants = st.sampled_from(sorted(PLANTS)).map(lambda name: PLANTS[name])
wraps = st.lists(st.sampled_from(sorted(WRAPS)).map(lambda name: WRAPS[name]), max_size=5)


@pytest.mark.parametrize("plant", [pytest.param(plant, id=name) for name, plant in PLANTS.items()])
def test_what_is_hidden_in_a_value_is_not_sent(plant: Callable[[Any], Any]) -> None:
    event = Happened(value=plant(HIDDEN), actor=plant(HIDDEN))
    assert_hidden(said(event, Stamp("", 1, request={"a": plant(HIDDEN)}))[1])


@given(plants, wraps, wraps)
def test_nor_where_it_is_nested(
    plant: Callable[[Any], Any], around: list[Callable[[Any], Any]], more: list[Callable[[Any], Any]]
) -> None:
    value = functools.reduce(lambda inner, wrap: wrap(inner), around, plant(HIDDEN))
    assert_hidden(said(Happened(value=value))[1])
    deeper = functools.reduce(lambda inner, wrap: wrap(inner), more, [value, "beside"])
    assert_hidden(said(Happened(value=1, actor={"id": deeper, "more": deeper}), Stamp("", 1, request={"a": deeper}))[1])


@given(plants, st.integers(0, 25))
def test_nor_below_the_depths_at_which_values_are_flattened_and_cut(plant: Callable[[Any], Any], depth: int) -> None:
    value = plant(HIDDEN)
    for level in range(depth):
        value = {"a": value} if level % 2 else [value]
    assert_hidden(said(Happened(value=value))[1])


def test_what_is_not_hidden_is_sent_by_the_same_ways() -> None:
    """So the tests above can fail."""
    for name in WRAPS.keys() - {"late"}:
        wrap = WRAPS[name]
        assert HIDDEN.encode() in said(Happened(value=wrap(wrap(HIDDEN))))[1]
    for value in (
        User(1, HIDDEN),
        {"name": HIDDEN},
        [("accept", HIDDEN)],
        Teller({"name": HIDDEN}),
        functools.partial(print, name=HIDDEN),
    ):
        assert HIDDEN.encode() in said(Happened(value=value))[1]


# -- marked fields of events -------------------------------------------------------------------------------------------------


@given(st.data())
def test_no_marked_field_of_an_event_is_sent(data: st.DataObject) -> None:
    cls = data.draw(strategies.event_classes())
    policy = data.draw(
        st.sampled_from([STRICT, Policy(personal="pseudonym", pseudonym_key=KEY), Policy(personal="pseudonym")])
    )
    values: dict[str, Any] = {}
    for one in fields(cls):
        private = "Secret" in str(one.type) or "Personal" in str(one.type) or looks_secret(one.name)
        wrap = data.draw(st.sampled_from(sorted(WRAPS)))
        if one.name not in ("actor", "created"):
            values[one.name] = WRAPS[wrap](HIDDEN if private else "shown")
    _, sent = said(cls(**values), policy=policy)
    assert_hidden(sent)


def made(annotation: Any, value: Any, **options: Any) -> Event:
    cls: Any = types.new_class(
        "Made",
        (Event,),
        exec_body=lambda namespace: namespace.update(
            name="made", namespace="app", message="it is {value}", __annotations__={"value": annotation}, **options
        ),
    )
    cls = dataclass(cls)
    event: Event = cls(value=value)
    return event


@pytest.mark.parametrize(
    ("annotation", "attributes", "line"),
    [
        (str, {"app.value": "it"}, "it is it"),
        (Annotated[str, Secret()], {"app.value": REDACTED}, f"it is {REDACTED}"),
        (Annotated[str, Personal()], {"app.value": "it"}, "it is it"),
        (Annotated[str, Personal("drop")], {}, f"it is {REDACTED}"),
        (Annotated[str | None, Secret()], {"app.value": REDACTED}, f"it is {REDACTED}"),
        (Annotated[str, Secret()] | None, {"app.value": REDACTED}, f"it is {REDACTED}"),
        (dict[str, Annotated[str, Personal("drop")]], {}, f"it is {REDACTED}"),
        (Ssn, {"app.value": REDACTED}, f"it is {REDACTED}"),
    ],
)
def test_what_is_done_to_a_field(annotation: Any, attributes: dict[str, Any], line: str) -> None:
    record = to_log_record(made(annotation, "it"))
    assert record.attributes == attributes
    assert record.body == line


def test_a_pseudonym_is_an_hmac_of_the_text() -> None:
    event = made(Annotated[Any, Personal("pseudonym")], "it")
    policy = Policy(pseudonym_key=KEY)
    pseudonym = hmac.new(KEY, b"it", hashlib.sha256).hexdigest()
    record = to_log_record(event, policy=policy)
    assert record.attributes == {"app.value": pseudonym}
    assert record.body == f"it is {pseudonym}"
    assert policy.pseudonym("it") == pseudonym
    assert to_log_record(event).attributes == {"app.value": REDACTED}
    assert to_log_record(made(Annotated[Any, Personal("pseudonym")], None), policy=policy).attributes == {}
    [number] = to_log_record(made(Annotated[Any, Personal("pseudonym")], 7), policy=policy).attributes.values()
    assert number == policy.pseudonym("7")


def test_between_marker_and_policy_the_stricter_holds() -> None:
    order: tuple[PersonalPolicy, ...] = ("keep", "pseudonym", "drop")
    for one, other in itertools.product(order, order):
        strict = order[max(order.index(one), order.index(other))]
        assert stricter(one, other) == strict
        policy = Policy(personal=other, pseudonym_key=KEY)
        attributes = to_log_record(made(Annotated[str, Personal(one)], "it"), policy=policy).attributes
        expected = {"keep": "it", "pseudonym": policy.pseudonym("it"), "drop": None}
        assert attributes.get("app.value") == expected[strict]


@dataclass
class Aliased:
    plain: Annotated[str, Attribute("auth.token")]
    token: Annotated[str, Attribute("auth.plain")]


# -- names -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "password", "PASSWORD", "user_password", "userPassword", "Password2", "passwd", "pwd", "pass_word", "passPhrase",
        "token", "access_token", "accessToken", "AccessToken", "ACCESS_TOKEN", "token_expires", "x-csrf-token", "tokens",
        "secret", "client.secret", "secret-key", "SecretKey", "clientSECRET", "cookie", "Set-Cookie", "HTTPCookie", "cookies",
        "authorization", "Proxy-Authorization", "api_key", "apiKey", "API-Key", "apikey", "X-Api-Key", "APIKey", "api key",
        "private_key", "accessKey", "jwt", "otp", "credentials", "a/b/token", "größe.token", "token_größe", "tokenÜber",
        "x" * 513,
    ],
)  # fmt: skip
def test_keys_with_a_whole_word_that_names_a_secret(key: str) -> None:
    assert looks_secret(key)


@pytest.mark.parametrize(
    "key",
    [
        "tokenizer", "tokenize", "secretary", "passwordless", "compass", "author", "authorized_by", "cooking", "key", "keyboard",
        "api", "private", "access", "monkey", "name", "", "_", "päßword", "apik_ey", "keyApi", "x" * 512,
    ],
)  # fmt: skip
def test_keys_without(key: str) -> None:
    assert not looks_secret(key)


@dataclass
class Kept(Event):
    name = "kept"
    namespace = "app"
    token: str = "t"
    inner: Any = field(default_factory=lambda: {"token": "i", "deep": {"api_key": "d"}})
    other: Annotated[str, Secret()] = "s"


@pytest.mark.parametrize(
    ("keep_keys", "shown"),
    [
        ((), set()),
        (("token",), {"t", "i"}),
        (("app.token",), {"t"}),
        (("app.inner.token",), {"i"}),
        (("app.inner.deep.api_key", "unknown"), {"d"}),
        (("other", "app.other"), set()),
    ],
)
def test_keys_can_be_kept_by_name_or_by_whole_key(keep_keys: tuple[str, ...], shown: set[str]) -> None:
    attributes = to_log_record(Kept(), policy=Policy(keep_keys=frozenset(keep_keys))).attributes
    assert set(map(str, attributes.values())) - {REDACTED} == shown


def test_an_alias_that_looks_secret_is_redacted_and_one_that_does_not_hides_no_name() -> None:
    record, sent = said(Happened(value=Aliased(HIDDEN, HIDDEN)))
    assert record.attributes == {"app.value.auth.token": REDACTED, "app.value.auth.plain": REDACTED}
    assert_hidden(sent)
    assert to_log_record(made(Annotated[str, Attribute("auth.token")], "it")).attributes == {"auth.token": REDACTED}
    assert to_log_record(
        made(Annotated[str, Attribute("auth.token")], "it"), policy=Policy(keep_keys=frozenset({"auth.token"}))
    ).attributes == {"auth.token": "it"}


# -- a redactor that fails redacts -----------------------------------------------------------------------------------------------


class FailingNames(Policy):
    def is_secret(self, name: str, key: str) -> bool:
        raise ValueError


class FailingPseudonyms(Policy):
    def pseudonym(self, text: str) -> str:
        raise ValueError


def test_a_redactor_that_fails_redacts() -> None:
    record = to_log_record(Happened(value=HIDDEN, actor={"id": HIDDEN}), policy=FailingNames())
    assert record.attributes == {"app.value": REDACTED}
    assert_hidden(record.body.encode())
    record = to_log_record(made(Annotated[str, Personal("pseudonym")], HIDDEN), policy=FailingPseudonyms())
    assert record.attributes == {"app.value": REDACTED}
    assert record.losses.failed == 1
    record = to_log_record(Happened(value=1, actor=HIDDEN), policy=FailingPseudonyms(actor="pseudonym"))
    assert record.attributes == {"app.value": 1, "user.hash": REDACTED}


# -- the policy itself -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"actor": "nobody"}, "Policy(actor='nobody'): expected one of full, id, pseudonym, none"),
        ({"personal": "hide"}, "Policy(personal='hide'): expected one of keep, pseudonym, drop"),
        ({"pseudonym_key": b"short"}, "Policy(pseudonym_key=…): the value given (not shown) is not at least 16 bytes"),
        (
            {"pseudonym_key": "0123456789abcdef"},
            "Policy(pseudonym_key=…): the value given (not shown) is not at least 16 bytes",
        ),
        ({"keep_keys": "token"}, "Policy(keep_keys='token'): expected a frozenset of names"),
        ({"keep_keys": frozenset({1})}, "Policy(keep_keys=frozenset({1})): expected a frozenset of names"),
        ({"namespace": "a."}, "Policy(namespace='a.'): expected a prefix without dots around it"),
        ({"namespace": "a\nb"}, "Policy(namespace='a\\nb'): expected a prefix without dots around it"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Policy(**arguments)
    assert str(refused.value) == text


def test_a_personal_marker_that_cannot_be_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^Personal\(policy='hide'\): expected one of keep, pseudonym, drop$"):
        Personal("hide")  # type: ignore[arg-type]


def test_pseudonyms_without_a_key_are_refused_where_a_class_is_registered_however_deep_they_are() -> None:
    with pytest.raises(EventDefinitionError) as refused:
        pseudonym_check(Policy())(read(type(made(list[Optional], []))))
    assert str(refused.value) == (
        f"{__name__}.Optional.numbers is to be a pseudonym, but there is no key. "
        f"Set OTEL_EVENTS_PSEUDONYM_KEY or pseudonym_key=."
    )
    pseudonym_check(Policy(pseudonym_key=KEY))(read(type(made(list[Optional], []))))


def test_the_key_is_in_no_text_of_policy_or_settings() -> None:
    settings = resolve({"pseudonym_key": HIDDEN * 2, "headers": {"authorization": HIDDEN}, "actor": "pseudonym"}, {})
    for text in (repr(settings), str(settings), repr(settings.policy), str(settings.described()), repr(vars(settings))):
        assert HIDDEN not in text
    assert operator.attrgetter("policy.pseudonym_key")(settings) == (HIDDEN * 2).encode()
