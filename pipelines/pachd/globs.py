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
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

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
_REFERENCE = re.compile(r"\$(\$|\d+|\{\d+\})")


@dataclass(frozen=True)
class _Piece:
    """One parsed element: a regular expression that captures nothing, or a group of alternatives."""

    regex: str = ""
    text: str | None = None
    crosses: bool = False
    quantifier: str = ""
    alternatives: tuple[tuple["_Piece", ...], ...] = ()
    captures: bool = False

    @property
    def spans_segments(self) -> bool:
        """Whether it can match a `/`."""
        inner = (p for alternative in self.alternatives for p in alternative)
        return self.crosses or "/" in (self.text or "") or any(p.spans_segments for p in inner)


_ANY = _Piece(regex="[^/]*")
_SUPER = _Piece(regex=".*", crosses=True)


@dataclass(frozen=True)
class Glob:
    """A compiled pattern.

    pattern: canonical text, starts with "/". literal: the one path it can match, or None when it has
    wildcards. prefix: the deepest directory that holds every match ("/" at worst). segments: one matcher
    per leading path segment. deep: whether anything after `segments` may cross further segments.
    """

    pattern: str
    regex: re.Pattern[str]
    literal: str | None
    prefix: str
    segments: tuple[re.Pattern[str], ...]
    deep: bool

    def match(self, path: str) -> tuple[str, ...] | None:
        """The text of each capture group when `path` ("/a/b") matches, else None."""
        clean = path.rstrip("/")
        if not clean:
            return () if self.pattern == "/" else None
        found = self.regex.fullmatch(clean)
        return None if found is None else found.groups(default="")

    def may_match_below(self, directory: str) -> bool:
        """Whether a path strictly below `directory` ("/" or "/a/b") could match: False prunes it."""
        names = _names(directory)
        if not self.deep and len(names) >= len(self.segments):
            return False
        return all(regex.fullmatch(name) for regex, name in zip(self.segments, names, strict=False))

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

    Raises DataError when a bracket, brace or parenthesis is left open or a class is empty.
    """
    clean = "/" + "/".join(_names(pattern))
    pieces = _Parser(clean).sequence("")
    segments, deep = _segments(pieces)
    texts = [piece.text for piece in pieces]
    literal = None if None in texts else "".join(t for t in texts if t is not None)
    return Glob(
        pattern=clean,
        regex=re.compile(_emit(pieces, "", capture=True), re.DOTALL),
        literal=literal,
        prefix=_prefix(pieces, literal),
        segments=segments,
        deep=deep,
    )


def _names(path: str) -> list[str]:
    return [name for name in path.split("/") if name and name != "."]


def _prefix(pieces: Iterable[_Piece], literal: str | None) -> str:
    leading = literal
    if leading is None:
        leading = next((piece.text for piece in pieces), "") or ""
    return leading.rsplit("/", 1)[0] or "/"


def _segments(pieces: tuple[_Piece, ...]) -> tuple[tuple[re.Pattern[str], ...], bool]:
    rows: list[list[_Piece]] = []
    for piece in pieces:
        if piece.text is not None:
            first, *others = piece.text.split("/")
            if first:
                rows[-1].append(_text(first))
            rows.extend([_text(name)] if name else [] for name in others)
        elif piece.spans_segments:
            return tuple(_segment(row) for row in rows[:-1]), True
        else:
            rows[-1].append(piece)
    return tuple(_segment(row) for row in rows if row), False


def _segment(row: list[_Piece]) -> re.Pattern[str]:
    return re.compile(_emit(tuple(row), "", capture=False), re.DOTALL)


def _text(text: str) -> _Piece:
    return _Piece(regex=re.escape(text), text=text)


def _emit(pieces: tuple[_Piece, ...], rest: str, *, capture: bool) -> str:
    """The regular expression of `pieces`; `rest` is what follows them, needed to negate in place."""
    if not pieces:
        return ""
    head, tail = pieces[0], pieces[1:]
    if not head.alternatives:
        return head.regex + _emit(tail, rest, capture=capture)
    after = _emit(tail, rest, capture=False) + rest
    options = "|".join(_emit(a, after, capture=capture and head.quantifier != "!") for a in head.alternatives)
    if head.quantifier == "!":
        body = f"(?!(?:{options}){after}\\Z)[^/]*"
    elif head.alternatives in (((_ANY,),), ((_SUPER,),)):
        body = options  # repeating a run gives the same run, and would backtrack without end
    else:
        body = f"(?:{options}){head.quantifier}"
    opening = "(" if capture and head.captures else "(?:"
    return f"{opening}{body})" + _emit(tail, rest, capture=capture)


class _Parser:
    """Recursive descent over one pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

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
                return _Piece(regex="[^/]")
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
        while True:
            alternatives.append(self.sequence(separator + close))
            if self.at == len(self.pattern):
                raise self._error(f"a group is not closed with {close!r}")
            self.at += 1
            if self.pattern[self.at - 1] == close:
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
        regex = f"(?!/)[{'^' if negated else ''}{members}]"
        try:
            re.compile(regex)
        except re.error as error:
            raise self._error(f"a class [...] cannot be read: {error.msg}") from error
        return _Piece(regex=regex)

    def _error(self, why: str) -> DataError:
        return DataError(f"bad glob pattern: {why}", got=repr(self.pattern))
