"""Short keys of attributes stand for whole ones, where that is unambiguous."""

from __future__ import annotations

import pytest

from otel_events.page.keys import AmbiguousKeyError, has_attributes, resolved, whole_key
from otel_events.page.search import Equals, SearchError, parse

KNOWN = frozenset({"app.total", "app.item", "shop.item", "app.sub.total_net", "item.id", "host"})


@pytest.mark.parametrize(
    ("key", "whole"),
    [
        ("total", "app.total"),
        ("app.total", "app.total"),
        ("host", "host"),
        ("name", "name"),
        ("id", "item.id"),
        ("total_net", "app.sub.total_net"),
        ("otal", "otal"),
        ("unknown", "unknown"),
    ],
)
def test_a_key_is_completed(key: str, whole: str) -> None:
    assert whole_key(key, KNOWN) == whole


def test_the_whole_key_wins_over_a_longer_one() -> None:
    assert whole_key("total", KNOWN | {"total"}) == "total"


def test_an_ambiguous_key_is_refused_with_its_place() -> None:
    with pytest.raises(AmbiguousKeyError, match=r'"item" may be any of these: app.item, shop.item. Write the one'):
        whole_key("item", KNOWN)
    with pytest.raises(SearchError) as caught:
        resolved(parse("a -item:lamp"), KNOWN)
    assert (caught.value.start, caught.value.end) == (2, 12)


def test_a_search_is_resolved_clause_by_clause() -> None:
    search = parse("lamp total:1 -name:x")
    assert resolved(search, KNOWN) == (search[0], resolved(search[1:2], KNOWN)[0], search[2])
    assert resolved(search, KNOWN)[1].term == Equals("app.total", "1")
    assert has_attributes(search)
    assert not has_attributes(parse("lamp name:x severity>warn body:y"))
