r"""Pachyderm's glob patterns: what a datum is, and what it captures, is decided by matching paths here.

Use: `compile_glob("/day/(*)/*").match("/day/amr-1/x.zip") == ("amr-1",)`. To walk a tree without
visiting all of it, start at `glob.prefix` (or just look up `glob.literal` when it is not None), test every
entry with `glob.match(path)` and enter a directory only when `glob.may_match_below(directory)`.

Syntax, as in Pachyderm 2.x (its glob library is a regular-expression translation): `*` any run within a
segment, `**` any run across segments (it is not "zero or more directories": `/**/x` needs two slashes),
`?` one character, `[abc] [a-z] [!abc]` classes, `{a,b}` alternatives, `\x` a literal x, and groups, which
capture: `(a|b)` or `@(a|b)` one of, `*(..)` any number of, `+(..)` one or more, `?(..)` none or one,
`!(..)` any run that does not spell one of the alternatives where it stands. A pattern is matched against a
whole canonical path ("/a/b"; directories without their trailing slash); the root is matched by "/" alone.

Some patterns take a time that grows with a power of the path's length or doubles with each of its letters,
as Pachyderm's do. Those get LONGEST_S for a path.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import regex

from features.errors import DataError

_POSIX = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "word": r"\w",
    "xdigit": "0-9a-fA-F",
}
DEEPEST = 30
MOST_NEGATIONS = 8
"""Each stands before a copy of all that follows it, those of the others included."""

LONGEST_S = 2.0
MOST_RUNS = 2
"""`*` in one segment, from which a search among them is watched."""

_REFERENCE = re.compile(r"\$(\$|\d+|\{\d+\})")


@dataclass(frozen=True)
class _Piece:
    """One parsed element: a regular expression that captures nothing, or a group of alternatives."""

    expression: str = ""
    text: str | None = None
    crosses: bool = False
    quantifier: str = ""
    alternatives: tuple[tuple["_Piece", ...], ...] = ()
    captures: bool = False

    @property
    def spans_segments(self) -> bool:
        """Whether it can match a `/`."""
        return self.crosses or "/" in (self.text or "") or any(p.spans_segments for p in self.inner)

    @property
    def inner(self) -> Iterator["_Piece"]:
        """The pieces of all alternatives."""
        return (piece for alternative in self.alternatives for piece in alternative)

    @property
    def repeats(self) -> bool:
        """Whether it holds a group that repeats."""
        return self.quantifier in ("*", "+") or any(piece.repeats for piece in self.inner)

    @property
    def runs(self) -> int:
        """How many `*` and `**` it holds."""
        return (self in (_ANY, _SUPER)) + sum(piece.runs for piece in self.inner)

    @cached_property
    def negations(self) -> int:
        """How many `!(..)` it holds."""
        return (self.quantifier == "!") + sum(piece.negations for piece in self.inner)


_ANY = _Piece(expression="[^/]*")
_SUPER = _Piece(expression=".*", crosses=True)


@dataclass(frozen=True)
class Glob:
    """A compiled pattern.

    pattern: canonical text, starts with "/". literal: the one path it can match, or None when it has
    wildcards. prefix: the deepest directory that holds every match ("/" at worst). segments: one matcher
    per leading path segment. deep: whether anything after `segments` may cross further segments. watched:
    whether a search may take long.
    """

    pattern: str
    regex: regex.Pattern[str]
    literal: str | None
    prefix: str
    segments: tuple[regex.Pattern[str], ...]
    deep: bool
    watched: bool

    def match(self, path: str) -> tuple[str, ...] | None:
        """The text of each capture group when `path` ("/a/b") matches, else None.

        Raises DataError when that takes longer than LONGEST_S.
        """
        clean = path.rstrip("/")
        if not clean:
            return () if self.pattern == "/" else None
        found = self._fullmatch(self.regex, clean)
        return None if found is None else found.groups(default="")

    def may_match_below(self, directory: str) -> bool:
        """Whether a path strictly below `directory` ("/" or "/a/b") could match: False prunes it."""
        names = _names(directory)
        if not self.deep and len(names) >= len(self.segments):
            return False
        return all(self._fullmatch(one, name) for one, name in zip(self.segments, names, strict=False))

    def _fullmatch(self, expression: regex.Pattern[str], text: str) -> regex.Match[str] | None:
        if not self.watched:
            return expression.fullmatch(text)
        try:
            return expression.fullmatch(text, timeout=LONGEST_S, concurrent=True)
        except TimeoutError:
            raise DataError(
                "a glob takes too long",
                got=f"{self.pattern!r} with {text!r}",
                expected=f"at most {LONGEST_S:g} s for a path",
                hint="repeat no group within another, and use fewer *",
            ) from None

    def expand(self, template: str, captures: tuple[str, ...]) -> str:
        """`template` with `$1`, `${2}` replaced by the captures of one match; `$$` is a dollar sign."""

        def value(reference: re.Match[str]) -> str:
            number = reference[1].strip("{}")
            return "$" if number == "$" else ("", *captures)[int(number)]

        return _REFERENCE.sub(value, template)

    def check_template(self, template: str) -> None:
        """Raise DataError when `template` refers to a capture group this pattern does not have."""
        for reference in _REFERENCE.findall(template):
            number = reference.strip("{}")
            if number != "$" and not 1 <= int(number) <= self.regex.groups:
                raise DataError(
                    f"{template!r} refers to a capture group that the glob does not have",
                    got=f"${number} with glob {self.pattern!r}",
                    expected=f"a number from 1 to {self.regex.groups}" if self.regex.groups else "a group",
                    hint="put the part to capture in parentheses, such as /(*)/*",
                )


@lru_cache(maxsize=1024)
def compile_glob(pattern: str) -> Glob:
    """Compile `pattern`; a missing leading slash is added, doubled and trailing ones are dropped.

    Raises DataError when a bracket, brace or parenthesis is left open, a class is empty, groups stand more
    than DEEPEST deep in each other, or there are more than MOST_NEGATIONS of `!(..)`.
    """
    clean = "/" + "/".join(_names(pattern))
    pieces = _Parser(clean).sequence("")
    negations = sum(piece.negations for piece in pieces)
    if negations > MOST_NEGATIONS:
        raise DataError(
            "bad glob pattern: too many !(..)", got=negations, expected=f"at most {MOST_NEGATIONS}"
        )
    segments, deep = _segments(pieces)
    runs = [sum(piece.runs for piece in row) for row in ([pieces] if deep else segments)]
    texts = [piece.text for piece in pieces]
    literal = None if None in texts else "".join(t for t in texts if t is not None)
    return Glob(
        pattern=clean,
        regex=_compile(_emit(pieces, "", capture=True)),
        literal=literal,
        prefix=_prefix(pieces, literal),
        segments=tuple(_compile(_emit(tuple(row), "", capture=False)) for row in segments),
        deep=deep,
        watched=max(runs, default=0) > MOST_RUNS or any(piece.repeats for piece in pieces),
    )


def _names(path: str) -> list[str]:
    return [name for name in path.split("/") if name and name != "."]


def _prefix(pieces: Iterable[_Piece], literal: str | None) -> str:
    leading = literal
    if leading is None:
        leading = next((piece.text for piece in pieces), "") or ""
    return leading.rsplit("/", 1)[0] or "/"


def _segments(pieces: tuple[_Piece, ...]) -> tuple[list[list[_Piece]], bool]:
    """The pieces of each leading path segment, and whether what follows may cross further ones."""
    rows: list[list[_Piece]] = []
    for piece in pieces:
        if piece.text is not None:
            first, *others = piece.text.split("/")
            if first:
                rows[-1].append(_text(first))
            rows.extend([_text(name)] if name else [] for name in others)
        elif piece.spans_segments:
            return rows[:-1], True
        else:
            rows[-1].append(piece)
    return [row for row in rows if row], False


def _compile(expression: str) -> regex.Pattern[str]:
    return regex.compile(expression, regex.DOTALL)


def _text(text: str) -> _Piece:
    return _Piece(expression=re.escape(text), text=text)


def _emit(pieces: tuple[_Piece, ...], rest: str, *, capture: bool) -> str:
    """The regular expression of `pieces`; `rest` is what follows them, needed to negate in place."""
    found = plain = ""  # of the pieces so far, from the last: with captures as asked, and without
    for piece in reversed(pieces):
        after = plain + rest if piece.negations else ""
        found = _emit_one(piece, after, capture=capture) + found
        plain = _emit_one(piece, after, capture=False) + plain if capture else found
    return found


def _emit_one(piece: _Piece, after: str, *, capture: bool) -> str:
    if not piece.alternatives:
        return piece.expression
    inner = capture and piece.quantifier != "!"
    options = "|".join(_emit(alternative, after, capture=inner) for alternative in piece.alternatives)
    if piece.quantifier == "!":
        body = f"(?!(?:{options}){after}\\Z)[^/]*"
    elif piece.alternatives in (((_ANY,),), ((_SUPER,),)):
        body = options  # repeating a run gives the same run, and would backtrack without end
    else:
        body = f"(?:{options}){piece.quantifier}"
    return f"{'(' if capture and piece.captures else '(?:'}{body})"


class _Parser:
    """Recursive descent over one pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.depth = 0

    def sequence(self, stops: str) -> tuple[_Piece, ...]:
        pieces: list[_Piece] = []
        text = ""
        while self.at < len(self.pattern) and self.pattern[self.at] not in stops:
            if (piece := self._special()) is None:
                text += self._character()
                continue
            if text:
                pieces.append(_text(text))
                text = ""
            pieces.append(piece)
        return (*pieces, _text(text)) if text else tuple(pieces)

    def _special(self) -> _Piece | None:
        here = self.pattern[self.at]
        if here in "@*+?!" and self.pattern[self.at + 1 : self.at + 2] == "(":
            self.at += 2
            return self._group("|", ")", "" if here == "@" else here, captures=True)
        if self.pattern.startswith("**", self.at):
            self.at += 2
            return _SUPER
        if here not in "*?({[":
            return None
        self.at += 1
        match here:
            case "*":
                return _ANY
            case "?":
                return _Piece(expression="[^/]")
            case "(":
                return self._group("|", ")", "", captures=True)
            case "{":
                return self._group(",", "}", "", captures=False)
            case _:
                return self._class()

    def _character(self) -> str:
        if self.pattern[self.at] == "\\" and self.at + 1 < len(self.pattern):
            self.at += 1
        self.at += 1
        return self.pattern[self.at - 1]

    def _group(self, separator: str, close: str, quantifier: str, *, captures: bool) -> _Piece:
        alternatives = []
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._error(f"groups are more than {DEEPEST} deep in each other")
        while True:
            alternatives.append(self.sequence(separator + close))
            if self.at == len(self.pattern):
                raise self._error(f"a group is not closed with {close!r}")
            self.at += 1
            if self.pattern[self.at - 1] == close:
                self.depth -= 1
                return _Piece(quantifier=quantifier, alternatives=tuple(alternatives), captures=captures)

    def _class(self) -> _Piece:
        negated = self.pattern[self.at : self.at + 1] in ("!", "^")
        self.at += negated
        members = ""
        while self.at < len(self.pattern) and self.pattern[self.at] != "]":
            if named := re.compile(r"\[:(\w+):\]").match(self.pattern, self.at):
                if named[1] not in _POSIX:
                    raise self._error(f"unknown class [:{named[1]}:]; one of {', '.join(_POSIX)}")
                members += _POSIX[named[1]]
                self.at = named.end()
            elif (
                members
                and self.pattern[self.at] == "-"
                and self.pattern[self.at + 1 : self.at + 2] not in ("", "]")
            ):
                self.at += 1
                members += "-" + re.escape(self._character())
            else:
                members += re.escape(self._character())
        if self.at >= len(self.pattern) or not members:
            raise self._error("a class [...] is empty or not closed")
        self.at += 1
        expression = f"(?!/)[{'^' if negated else ''}{members}]"
        try:
            _compile(expression)
        except regex.error as error:
            raise self._error(f"a class [...] cannot be read: {error.msg}") from error
        return _Piece(expression=expression)

    def _error(self, why: str) -> DataError:
        return DataError(f"bad glob pattern: {why}", got=repr(self.pattern))
