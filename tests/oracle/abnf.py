"""ABNF (RFC 5234) to regular expressions, so that an oracle can be the text of an RFC and not our reading of it.

Only what the collected grammars of HTTP and URIs need: `/`, `*`, `1*DIGIT`, `3DIGIT`, `[ ]`, `( )`, quoted
strings, `%x` values and ranges, comments. No recursion. Matching is left to RE2: it takes linear time, and
nested repeats such as `*( field-vchar [ 1*( SP / field-vchar ) ] )` would take a backtracking engine forever.
"""

import re

import re2

_TOKENS = re.compile(
    r"""\s+ | ;[^\n]*
      | (?P<group>[()\[\]/])
      | (?P<repeat>[0-9]*\*[0-9]*|[0-9]+(?=[A-Za-z(%"]))
      | (?P<name>[A-Za-z][A-Za-z0-9-]*)
      | "(?P<text>[^"]*)"
      | %x(?P<low>[0-9A-F]{2})-(?P<high>[0-9A-F]{2})
      | %x(?P<octets>[0-9A-F]{2}(?:\.[0-9A-F]{2})*)
      | (?P<unknown>.)""",
    re.VERBOSE,
)
_RULE = re.compile(r"^([A-Za-z][A-Za-z0-9-]*)[ ]*=[ ]*((?:.*\n?(?:^[ \t]+.*\n?)*))", re.MULTILINE)


class Grammar:
    """The rules of one text; a line that starts in column 0 starts a rule."""

    def __init__(self, text: str) -> None:
        self._rules = dict(_RULE.findall(text))
        self._patterns: dict[str, str] = {}
        self._compiled: dict[str, re2._Regexp] = {}

    def matches(self, rule: str, octets: bytes) -> bool:
        """True when all of `octets` is one `rule`."""
        if rule not in self._compiled:
            options = re2.Options()
            options.encoding = re2.Options.Encoding.LATIN1
            options.dot_nl = True
            options.max_mem = 64 << 20
            self._compiled[rule] = re2.compile(self.pattern(rule).encode("latin-1"), options)
        return self._compiled[rule].fullmatch(octets) is not None

    def pattern(self, rule: str) -> str:
        if rule not in self._patterns:
            tokens = [found for found in _TOKENS.finditer(self._rules[rule]) if found.lastgroup]
            pattern, rest = self._alternatives(tokens)
            assert not rest, f"{rule}: cannot read {rest[0][0]!r}"
            self._patterns[rule] = pattern
        return self._patterns[rule]

    def _alternatives(self, tokens: list[re.Match[str]]) -> tuple[str, list[re.Match[str]]]:
        """alternation = concatenation *( "/" concatenation )"""
        branches = [""]
        while tokens and tokens[0][0] not in (")", "]"):
            if tokens[0][0] == "/":
                branches.append("")
                tokens = tokens[1:]
            else:
                piece, tokens = self._repetition(tokens)
                branches[-1] += piece
        return f"(?:{'|'.join(branches)})", tokens

    def _repetition(self, tokens: list[re.Match[str]]) -> tuple[str, list[re.Match[str]]]:
        """repetition = [ repeat ] element"""
        times = ""
        if tokens[0].lastgroup == "repeat":
            low, star, high = tokens[0][0].partition("*")
            times = f"{{{low or 0},{high}}}" if star else f"{{{low}}}"
            tokens = tokens[1:]
        element, tokens = self._element(tokens)
        return f"(?:{element}){times}", tokens

    def _element(self, tokens: list[re.Match[str]]) -> tuple[str, list[re.Match[str]]]:
        head, rest = tokens[0], tokens[1:]
        if head["group"]:
            inner, rest = self._alternatives(rest)
            return inner + ("?" if head[0] == "[" else ""), rest[1:]
        if head["name"]:
            return self.pattern(head["name"]), rest
        if head["low"]:
            return rf"[\x{head['low']}-\x{head['high']}]", rest
        if head["octets"]:
            return "".join(rf"\x{octet}" for octet in head["octets"].split(".")), rest
        assert head["text"] is not None, f"cannot read {head[0]!r}"
        # RFC 5234 section 2.3: quoted strings are case-insensitive.
        return f"(?i:{re.escape(head['text'])})", rest
