"""Glob patterns: Pachyderm's own examples as literals, and everything else against a regular expression."""

import re
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import DataError
from pipelines.pachd import globs
from pipelines.pachd.globs import compile_glob


@pytest.mark.parametrize(
    ("pattern", "path", "captures"),
    [
        ("/", "/", ()),
        ("", "/", ()),
        ("/", "/a", None),
        ("/*", "/", None),
        ("/*", "/a", ()),
        ("/*", "/a/", ()),
        ("/*", "/a/b", None),
        ("/*/*", "/a/b", ()),
        ("*/*", "/a/b", ()),
        ("/*/", "/a", ()),
        ("**", "/a/b/c", ()),
        ("**", "/", None),
        ("/**.txt", "/a/b.txt", ()),
        ("/**/x", "/x", None),
        ("/**/x", "/a/b/x", ()),
        ("/a/**", "/a", None),
        ("/a.c", "/abc", None),
        ("/foo?1", "/foo11", ()),
        ("/foo*2", "/foo2", ()),
        ("/[a-c][!x]", "/by", ()),
        ("/[a-c][^x]", "/bx", None),
        ("/[^a]", "/a/b", None),
        ("/[a-]", "/-", ()),
        ("/[[:digit:]][[:alpha:]]", "/3x", ()),
        ("/{a,b*}/c", "/bcd/c", ()),
        ("/{a/b,c}/d", "/a/b/d", ()),
        ("/{a,b}", "/c", None),
        ("/\\*\\(x", "/*(x", ()),
        # capture groups, from the tests of Pachyderm's glob library
        ("/foo(?)(?)", "/foo12", ("1", "2")),
        ("/(*)/(*)", "/a/b", ("a", "b")),
        ("/(*)-(*).zip", "/amr-17-b.zip", ("amr-17", "b")),
        ("test/(a|b)/x.go", "/test/b/x.go", ("b",)),
        ("test/(a|b)", "/hi/123", None),
        ("test/a*(a|b)/x.go", "/test/a/x.go", ("",)),
        ("test/a*(a|b)/x.go", "/test/aba/x.go", ("ba",)),
        ("test/+(a|b)/x.go", "/test/aba/x.go", ("aba",)),
        ("test/a?(a|b)/x.go", "/test/a/x.go", ("",)),
        ("test/@(a|b)/@(*).go", "/test/a/x.go", ("a", "x")),
        ("test/a*(a|b)/*(*).go", "/test/aaaa/x.go", ("aaa", "x")),
        ("test*(/?(+(a|b)/*.go))", "/test/a/x.go", ("/a/x.go", "a/x.go", "a")),
        ("/!(a)", "/a", None),
        ("/!(a)", "/aa", ("aa",)),
        ("/!(a|b).txt", "/ab.txt", ("ab",)),
        ("/!(a|b).txt", "/b.txt", None),
        ("!(**)", "/anything", None),
        ("/!(x)/*", "/x/y", None),
        ("/!(x)/*", "/z/y", ("z",)),
    ],
)
def test_matches_as_pachyderm_does(pattern: str, path: str, captures: tuple[str, ...] | None) -> None:
    assert compile_glob(pattern).match(path) == captures


@pytest.mark.parametrize(
    ("pattern", "literal", "prefix"),
    [
        ("/", "/", "/"),
        ("/a/b", "/a/b", "/a"),
        ("/a/\\*", "/a/*", "/a"),
        ("/a/b*", None, "/a"),
        ("/a/b/(*)/*", None, "/a/b"),
        ("/*", None, "/"),
    ],
)
def test_where_a_search_begins(pattern: str, literal: str | None, prefix: str) -> None:
    glob = compile_glob(pattern)
    assert (glob.literal, glob.prefix) == (literal, prefix)


@pytest.mark.parametrize(
    ("pattern", "below", "not_below"),
    [
        ("/*", ["/"], ["/a"]),
        ("/a/*/c", ["/", "/a", "/a/x"], ["/b", "/a/x/c"]),
        ("/(a|b)/**", ["/", "/a", "/b/c/d"], ["/c"]),
        ("/a{x/y,z}/b", ["/", "/ax", "/az", "/q"], []),
    ],
)
def test_directories_that_cannot_hold_a_match_are_pruned(
    pattern: str, below: list[str], not_below: list[str]
) -> None:
    glob = compile_glob(pattern)
    assert [d for d in below + not_below if glob.may_match_below(d)] == below


@pytest.mark.parametrize("pattern", ["/[a", "/[]", "/{a,b", "/(a", "/!(a|b", "/[z-a]", "/[[:nope:]]"])
def test_a_broken_pattern_is_refused_by_name(pattern: str) -> None:
    with pytest.raises(DataError, match=re.escape(repr(pattern))):
        compile_glob(pattern)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [("/" + "(" * 31 + "a" + ")" * 31, "30 deep"), ("/" + "!(a)" * 9, r"too many !\(..\); got: 9")],
)
def test_a_pattern_that_would_grow_without_end_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(DataError, match=why):
        compile_glob(pattern)


def test_a_pattern_of_many_groups_is_compiled() -> None:
    assert compile_glob("/" + "(a)" * 90).match("/" + "a" * 90) == ("a",) * 90


@pytest.mark.parametrize("pattern", ["/*(a|aa)b", "/+(a|*)b", "/(*)a(*)a(*)a(*)ab"])
def test_a_search_without_end_is_given_up(pattern: str) -> None:
    with patch.object(globs, "LONGEST_S", 0.05), pytest.raises(DataError, match="takes too long"):
        compile_glob(pattern).match("/" + "a" * 5_000 + "ba")


@pytest.mark.parametrize("pattern", ["/(*)/*", "/day/(*)/(*).zip", "/**", "/(*)/(*)/(*)/(*)", "/(*)-(*)"])
def test_usual_patterns_need_no_watch(pattern: str) -> None:
    assert not compile_glob(pattern).watched


def test_templates_are_filled_from_captures() -> None:
    glob = compile_glob("/(*)/(*)")
    captures = glob.match("/amr-1/2026-03-01")
    assert captures is not None
    assert glob.expand("${2}_$1-$$", captures) == "2026-03-01_amr-1-$"
    with pytest.raises(DataError, match=r"from 1 to 2"):
        glob.check_template("$3")


NAMES = st.text("ab1", min_size=1, max_size=3)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(lambda names: "/" + "/".join(names))


def _many(parts: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    return st.lists(parts, min_size=1, max_size=3).map(
        lambda chosen: ("".join(g for g, _ in chosen), "".join(r for _, r in chosen))
    )


def _alternatives(parts: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    several = st.lists(_many(parts), min_size=1, max_size=2)
    braces = several.map(
        lambda a: ("{" + ",".join(g for g, _ in a) + "}", "(?:" + "|".join(r for _, r in a) + ")")
    )
    groups = st.tuples(several, st.sampled_from(["", "@", "?", "+", "*"])).map(
        lambda chosen: (
            chosen[1] + "(" + "|".join(g for g, _ in chosen[0]) + ")",
            "((?:" + "|".join(r for _, r in chosen[0]) + ")" + chosen[1].strip("@") + ")",
        )
    )
    return braces | groups


SIMPLE = st.sampled_from(
    [("a", "a"), ("b", "b"), ("1", "1"), ("?", "[^/]"), ("[ab]", "[ab]"), ("[!a]", "[^a/]")]
)
WILD = st.sampled_from([("*", "[^/]*"), ("/", "/"), ("**", ".*")])


@st.composite
def patterns(draw: st.DrawFn) -> tuple[str, str]:
    """A glob and the regular expression that means the same."""
    parts = draw(st.lists(SIMPLE | WILD | _alternatives(SIMPLE), max_size=5))
    glob = regex = "/"
    for g, r in parts:
        if (g == "/" and glob.endswith("/")) or (glob.endswith(("*", "?", "@", "+")) and g[0] in "*("):
            continue
        glob, regex = glob + g, regex + r
    if len(glob) > 1 and glob.endswith("/"):
        glob, regex = glob[:-1], regex[:-1]
    return glob, regex


@given(patterns(), PATHS)
def test_agrees_with_a_regular_expression(pair: tuple[str, str], path: str) -> None:
    pattern, regex = pair
    found = re.fullmatch(regex, path)
    assert compile_glob(pattern).match(path) == (found and found.groups(default=""))


@given(patterns(), PATHS)
def test_pruning_never_hides_a_match(pair: tuple[str, str], path: str) -> None:
    glob = compile_glob(pair[0])
    if glob.match(path) is None:
        return
    folder = path.rpartition("/")[0]
    assert path.startswith(glob.prefix)
    assert glob.literal in (None, path)
    while folder:
        assert glob.may_match_below(folder)
        folder = folder.rpartition("/")[0]
    assert glob.may_match_below("/")
