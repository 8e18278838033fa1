"""The vocabulary of answers (spec: nothing else is ever sent), checked strictly."""

import re
from dataclasses import dataclass

NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))+")
PATTERN = re.compile(r"(\*\.)?" + NAME.pattern)
POLICY_LINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}: [!-z|~]+( [!-z|~]+)*")
MAX_REPLY = 100_000   # Postfix: socketmap_max_reply_size


class NotInVocabulary(Exception):
    pass


@dataclass(frozen=True)
class Policy:
    """`secure` with all that belongs to it; the last three are empty in the compat profile."""

    match: tuple[str, ...]
    policy_domain: str = ""
    policy_strings: tuple[str, ...] = ()
    mx_host_patterns: tuple[str, ...] = ()


def parse(payload: str) -> Policy | str:
    """"NOTFOUND", "dane-only", "TEMP <reason>" or a Policy; raises NotInVocabulary."""
    if len(payload) > MAX_REPLY or not all(" " <= c <= "~" for c in payload):
        raise NotInVocabulary("too long, or not printable ASCII")
    if payload == "NOTFOUND ":
        return "NOTFOUND"
    if payload.startswith("TEMP "):
        if not 5 < len(payload) <= 205:
            raise NotInVocabulary("the reason of a TEMP has 1 to 200 bytes")
        return payload
    if not payload.startswith("OK "):
        raise NotInVocabulary(payload[:80])
    return parse_policy(payload[3:])


def parse_policy(text: str) -> Policy | str:
    """The data of an OK."""
    if text == "dane-only":
        return text
    words = _words(text)
    if next(words, None) != "secure":
        raise NotInVocabulary(text[:80])
    match, domain, strings, patterns, once = (), "", [], [], []
    for word in words:
        if word.startswith("{"):
            name, equals, value = word[1:-1].strip().partition(" = ")
        else:
            name, equals, value = word.partition("=")
        if not equals or not value:
            raise NotInVocabulary(f"no attribute: {word[:80]}")
        if name == "match":
            match = tuple(value.split(":"))
        elif name == "policy_domain":
            domain = value
        elif name == "policy_string":
            strings.append(value)
        elif name == "mx_host_pattern":
            patterns.append(value)
        elif (name, value) not in (("servername", "hostname"), ("policy_type", "sts")):
            raise NotInVocabulary(f"unknown attribute: {word[:80]}")
        if name not in ("policy_string", "mx_host_pattern"):
            once.append(name)
    if len(once) != len(set(once)):
        raise NotInVocabulary("an attribute stands twice")
    compat = {"match", "servername"}
    if set(once) not in (compat, compat | {"policy_type", "policy_domain"}):
        raise NotInVocabulary(f"attributes are {once}")
    tlsrpt = "policy_type" in once
    if tlsrpt != bool(strings) or tlsrpt != bool(patterns):
        raise NotInVocabulary("policy_string and mx_host_pattern belong to policy_type")
    for name in match:
        # One leading dot only where the pattern of the policy had a star.
        if not NAME.fullmatch(name.removeprefix(".") if tlsrpt else name):
            raise NotInVocabulary(f"match={name}")
        if re.fullmatch(r"[0-9.]+", name):
            raise NotInVocabulary(f"address in match={name}")
    if not tlsrpt and len(match) > 64:
        raise NotInVocabulary("more than 64 names")
    if tlsrpt and not NAME.fullmatch(domain):
        raise NotInVocabulary(f"policy_domain={domain}")
    for pattern in patterns:
        if not PATTERN.fullmatch(pattern):
            raise NotInVocabulary(f"mx_host_pattern={pattern}")
    for line in strings:
        if not POLICY_LINE.fullmatch(line):
            raise NotInVocabulary(f"policy_string = {line}")
    return Policy(match, domain, tuple(strings), tuple(patterns))


def _words(text: str):
    # Single spaces between words; a group in braces is one word and holds no brace.
    position = 0
    while position < len(text):
        word = re.compile(r"\{ [^{}]+ \}|[^{} ]+").match(text, position)
        if not word:
            raise NotInVocabulary(f"at byte {position}: {text[position:position + 40]!r}")
        yield word[0]
        position = word.end()
        if position < len(text):
            if text[position] != " " or position + 1 == len(text):
                raise NotInVocabulary(f"at byte {position}: one space is wanted")
            position += 1
