"""The grammar of filters (AIP-160): parses text to a tree of restrictions.

`OR` binds tighter than `AND`: `a OR b AND c` is `(a OR b) AND c`. Restrictions without an operator
between them are a conjunction.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ecrkeeper_files.plain_text import control_in
from msgspec import Struct

from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.names import shown
from ecrkeeper_server.store.filter_expression import Either, Every, Expression, Negation, Restriction

_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"(AND|OR|NOT)(?![A-Za-z0-9_.])")
# The name of a label may have more characters than that of a field.
_FIELD = re.compile(r"labels\.[A-Za-z0-9_./+@-]+|[A-Za-z_][A-Za-z0-9_.]*")
_OPERATOR = re.compile(r"!=|<=|>=|[=:<>]")
_MAX_CHARACTERS = 512
_QUOTED = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'""", re.DOTALL)
_BARE = re.compile(r"[A-Za-z0-9_.\-/*]+")
_RESTRICTIONS = 20
_MAX_DEPTH = 20


# Cached, because callers repeat their filters, and one call parses its filter for each field it looks for.
@lru_cache(maxsize=128)
def parse(text: str) -> Expression:
    """Parse a filter; InvalidArgument names the position of the first error."""
    if control := control_in(text):
        # The database compares values as well, and not every database accepts such text.
        raise violation(f"must not contain control characters, got {control}")
    parser = _Parser(text)
    if parser.at_end():
        return Every(())
    expression = parser.expression(0)
    if not parser.at_end():
        raise parser.unexpected("AND, OR, a restriction or the end")
    return expression


def violation(description: str) -> InvalidArgument:
    """Return the error of a filter."""
    return InvalidArgument([Violation("filter", description)])


class _Parser(Struct):
    """A recursive-descent parser with one method for each rule of the grammar."""

    text: str
    position: int = 0
    restrictions: int = 0

    def at_end(self) -> bool:
        """Skip white space, and return whether the text ends."""
        space = _SPACE.match(self.text, self.position)
        self.position = space.end() if space else self.position
        return self.position == len(self.text)

    def unexpected(self, expected: str) -> InvalidArgument:
        """Return the error at the current position."""
        actual = "the end" if self.at_end() else shown(self.text[self.position :])
        return violation(f"at character {self.position + 1}: expected {expected}, got {actual}")

    def expression(self, depth: int) -> Expression:
        """Parse sequences joined by AND."""
        parts = [*self.sequence(depth)]
        while self.skip_word("AND"):
            parts += self.sequence(depth)
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def sequence(self, depth: int) -> list[Expression]:
        """Parse factors separated by white space."""
        parts = [self.factor(depth)]
        while not self.at_end() and self.text[self.position] != ")" and self.word() not in ("AND", "OR"):
            parts.append(self.factor(depth))
        return parts

    def factor(self, depth: int) -> Expression:
        """Parse terms joined by OR."""
        parts = [self.term(depth)]
        while self.skip_word("OR"):
            parts.append(self.term(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def term(self, depth: int) -> Expression:
        """Parse a restriction or an expression in parentheses, with an optional negation."""
        negated = self.skip_word("NOT") or self.skip("-")
        if self.skip("("):
            if depth == _MAX_DEPTH:
                raise violation(f"at character {self.position}: must not nest more than {_MAX_DEPTH} parentheses")
            inner = self.expression(depth + 1)
            if not self.skip(")"):
                raise self.unexpected("AND, OR, a restriction or `)`")
        else:
            inner = self.restriction()
        return Negation(inner) if negated else inner

    def restriction(self) -> Restriction:
        """Parse a field, an operator and a value."""
        field = None if self.at_end() or self.word() else _FIELD.match(self.text, self.position)
        if field is None:
            raise self.unexpected('`field = "value"`')
        self.restrictions += 1
        if self.restrictions > _RESTRICTIONS:
            text = f"must not contain more than {_RESTRICTIONS} restrictions"
            raise violation(f"at character {self.position + 1}: {text}")
        self.position = field.end()
        operator = None if self.at_end() else _OPERATOR.match(self.text, self.position)
        if operator is None or operator[0] not in ("=", "!=", ":"):
            raise self.unexpected(f"`=`, `!=` or `:` after {field[0]}")
        self.position = operator.end()
        return Restriction(field[0], operator[0] != "!=", self.value(), has=operator[0] == ":")

    def value(self) -> str:
        """Parse a value, quoted or not."""
        self.at_end()
        quoted = _QUOTED.match(self.text, self.position)
        bare = _BARE.match(self.text, self.position)
        match = quoted or bare
        if match is None:
            raise self.unexpected("a value; quote one with characters other than `A-Za-z0-9_.-/`")
        content = match[0] if quoted is None else re.sub(r"\\(.)", r"\1", quoted[1] or quoted[2] or "")
        if len(content) > _MAX_CHARACTERS:
            text = f"a value must not have more than {_MAX_CHARACTERS} characters, got {len(content)}"
            raise violation(f"at character {self.position + 1}: {text}")
        self.position = match.end()
        return content

    def word(self) -> str:
        """Return the word AND, OR or NOT at the current position, or an empty string."""
        match = None if self.at_end() else _WORD.match(self.text, self.position)
        return match[1] if match else ""

    def skip_word(self, word: str) -> bool:
        """Skip a word if it is at the current position; return whether it was."""
        if self.word() != word:
            return False
        self.position += len(word)
        return True

    def skip(self, character: str) -> bool:
        """Skip a character if it is at the current position; return whether it was."""
        if self.at_end() or self.text[self.position] != character:
            return False
        self.position += 1
        return True
