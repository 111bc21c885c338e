"""The search text of the page: what each part means, and that any text is read or refused at a place within it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events.page.search import (
    MAX_CHARACTERS,
    MAX_CLAUSES,
    Clause,
    Compares,
    Equals,
    Present,
    SearchError,
    Term,
    Words,
    number_or_none,
    parse,
)


def terms(text: str) -> list[Term]:
    return [clause.term for clause in parse(text)]


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("lamp", Words("lamp")),
        ("order-placed", Words("order-placed")),
        ("lam*", Words("lam", prefix=True)),
        ('"floor lamp"', Words("floor lamp")),
        ('"floor la"*', Words("floor la", prefix=True)),
        (r'"a \"b\" \\ c"', Words(r'a "b" \ c')),
        ("actor:alice", Equals("actor", "alice")),
        ("url:http://shop/?a=1", Equals("url", "http://shop/?a=1")),
        ('actor:"alice b"', Equals("actor", "alice b")),
        ('"odd key":lamp', Equals("odd key", "lamp")),
        ("item:lam*", Equals("item", "lam", prefix=True)),
        ('item:"floor la"*', Equals("item", "floor la", prefix=True)),
        ('item:"*"', Equals("item", "*")),
        ('item:""', Equals("item", "")),
        ("item:*", Present("item")),
        ("total>10", Compares("total", ">", 10)),
        ("total>=10.5", Compares("total", ">=", 10.5)),
        ("total<-1e3", Compares("total", "<", -1000.0)),
        ("total<=9223372036854775808", Compares("total", "<=", 9223372036854775808.0)),
        ("severity>warn", Compares("severity", ">", 16)),
        ("severity>=WARN", Compares("severity", ">=", 13)),
        ("severity<warn", Compares("severity", "<", 13)),
        ("severity<=warn", Compares("severity", "<=", 16)),
        ("body:refused", Equals("body", "refused")),
    ],
)
def test_each_part_means_this(text: str, term: Term) -> None:
    assert parse(text) == (Clause(term, False, 0, len(text)),)
    assert parse(f"-{text}") == (Clause(term, True, 0, len(text) + 1),)


def test_parts_stand_where_they_were_typed() -> None:
    assert [(clause.start, clause.end) for clause in parse('  a  -name:b\t"c d"  e>1 ')] == [
        (2, 3), (5, 12), (13, 18), (20, 23),
    ]  # fmt: skip
    assert parse("") == parse(" \n ") == ()


@pytest.mark.parametrize(
    ("text", "start", "end", "message"),
    [
        ('a "b c', 2, 6, "not closed"),
        ('name:"b c', 5, 9, "not closed"),
        ('"a"b', 0, 4, "a space is missing"),
        ('"a"*b', 3, 5, "a space is missing"),
        ("a - b", 2, 3, "stands alone"),
        ("-", 0, 1, "stands alone"),
        ("a :b", 2, 4, "a key is missing"),
        (">10", 0, 3, "a key is missing"),
        ("a name: b", 2, 7, "Nothing stands after"),
        ("total>", 0, 6, "Nothing stands after"),
        ("total>many", 0, 10, '"many" is no number'),
        ("total>0x10", 0, 10, "is no number"),
        ("a ...", 2, 5, "no letter and no digit"),
        ("*", 0, 1, "no letter and no digit"),
        ("body:...", 0, 8, "no letter and no digit"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, start: int, end: int, message: str) -> None:
    with pytest.raises(SearchError, match=message) as caught:
        parse(text)
    assert (caught.value.start, caught.value.end) == (start, end)


def test_it_is_bounded() -> None:
    assert len(parse("a " * MAX_CLAUSES)) == MAX_CLAUSES
    with pytest.raises(SearchError, match="more than 50 parts") as caught:
        parse("a " * (MAX_CLAUSES + 1))
    assert caught.value.start == 2 * MAX_CLAUSES
    assert len(parse("a" * MAX_CHARACTERS)) == 1
    with pytest.raises(SearchError, match="has 2001 characters"):
        parse("a" * (MAX_CHARACTERS + 1))


def test_what_sqlite_cannot_take_is_replaced() -> None:
    assert terms("name:a\ud800b\0c") == [Equals("name", "a\ufffdb\ufffdc")]


@given(st.text() | st.text(alphabet='ab1 -:<>=*"\\.'))
def test_any_text_is_read_or_refused_at_a_place_within_it(text: str) -> None:
    places = [0]
    try:
        places += [end for clause in parse(text) for end in (clause.start, clause.end)]
    except SearchError as error:
        places += [error.start, error.end]
    assert [*places, len(text)] == sorted([*places, len(text)])
    assert all(start < end for start, end in zip(places[1::2], places[2::2], strict=True))


@given(st.text().filter(lambda text: "\0" not in text))
def test_any_value_can_be_asked_for_in_quotes(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    expected = "".join("\ufffd" if 0xD800 <= ord(character) < 0xE000 else character for character in text)
    assert terms(f'"{quoted} k":"{quoted}"') == [Equals(f"{expected} k", expected)]


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_as_they_are_written(number: float) -> None:
    exact = isinstance(number, int) and -(2**63) <= number < 2**63
    read = number_or_none(str(number))
    assert read == (number if exact else float(number))
    assert isinstance(read, int) == exact


@pytest.mark.parametrize("text", ["", "a", "1e", "0x1", "nan", "inf", "1_000", " 1", "\u0661"])
def test_other_text_is_no_number(text: str) -> None:
    assert number_or_none(text) is None
