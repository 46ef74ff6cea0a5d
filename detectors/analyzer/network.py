"""Addresses of machines and mailboxes, and links: found from their own marks outward, each in bounded steps."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from presidio_analyzer import predefined_recognizers as stock
from tldextract import TLDExtract

from detectors.analyzer.artifacts import Artifacts
from detectors.analyzer.context import BREAK, Context
from detectors.analyzer.recognizer import Recognizer, Result, Shaped, code

_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~\u0300-\u036f-]{1,64}")
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_][^\W_]{0,22}[^\W\d_](?![\w-])")
_LOCAL_EDGE: Final = ".!#$%&'*+/=?^`{|}~-"
_SCHEME = re.compile(r"[\w+.-]{1,20}")
_REST = re.compile(rf"[^\s<>\"`{{}}|\\^{BREAK}]{{1,4096}}")
_HOSTNAME = re.compile(r"[\w.-]{1,253}")
_PATH = re.compile(rf"(?::\d{{1,5}})?(?:[/?#][^\s<>\"`{{}}|\\^{BREAK}]{{0,4096}})?")
_MARK = re.compile(r"://|www\.|\.(?:com|org|net|edu|gov|info|io|co\.uk|de|fr|eu)(?![\w-])(?!\.\w)", re.IGNORECASE)
_USERINFO = re.compile(r"[^/?#@]{1,256}@")
_PERSONAL_QUERY = re.compile(
    r"(?i)[?&;](?:e-?mail|user(?:name)?|phone|ssn|name|token|key|session(?:id)?|password|auth)="
)
_TAIL: Final = ".,;:!?'\"*_)]>"
_PAIRS: Final = {")": "(", "]": "["}
_QUAD = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_GROUPS = re.compile(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}")
_IP_WORDS = Context(
    "ip", "ipv4", "ipv6", "host", "server", "address", "addr", "ping", "subnet", "gateway", "dns", "client"
)
_VERSION_WORDS = Context(
    "version", "v", "ver", "release", "build", "upgrade", "firmware", "driver", "section", "chapter"
)


class Email(Recognizer):
    """Mailboxes, looked for around each @; the public suffix list of the installed package vouches for the domain."""

    def __init__(self) -> None:
        super().__init__("EmailRecognizer", ["EMAIL_ADDRESS"])
        self._suffixes = TLDExtract(suffix_list_urls=(), cache_dir=None)
        self._suffixes("example.com")  # read the list now, not within a scan

    def found(self, artifacts: Artifacts) -> Iterator[Result]:
        """Yield each mailbox; a remote repository's `git@host:` is none."""
        text = artifacts.text
        place = text.find("@")
        while place >= 0:
            result = self._around(text, place)
            if result is not None:
                yield result
            place = text.find("@", place + 1)

    def _around(self, text: str, place: int) -> Result | None:
        domain = _DOMAIN.match(text, place + 1)
        local = _LOCAL.match(text[max(0, place - 64) : place][::-1])
        if domain is None or local is None:
            return None
        name = local[0][::-1].lstrip(_LOCAL_EDGE)
        if _in_userinfo(text, place):
            return None
        if not name or (name.lower() == "git" and text[domain.end() : domain.end() + 1] in (":", "/")):
            return None
        known = bool(self._suffixes(domain[0]).suffix)
        return self.result("EMAIL_ADDRESS", place - len(name), domain.end(), 1.0 if known else 0.6, validated=known)


def _in_userinfo(text: str, place: int) -> bool:
    """Tell whether an @ ends the user and password of a link, which the link's own finding covers."""
    scheme = text.rfind("://", max(0, place - 256), place)
    return scheme >= 0 and not any(c.isspace() or c in "/?#@" for c in text[scheme + 3 : place])


class Url(Recognizer):
    """Links. One with a user in it, a bare address as host, or a personal parameter scores higher than a mere link."""

    def __init__(self) -> None:
        super().__init__("UrlRecognizer", ["URL"])

    def found(self, artifacts: Artifacts) -> Iterator[Result]:
        """Yield each link once, from its scheme, its `www.` or its domain's ending outward."""
        text, done = artifacts.text, 0
        for mark in _MARK.finditer(text):
            if mark.start() < done:
                continue
            bounds = self._schemed(text, mark) if mark[0] == "://" else self._bare(text, mark, done)
            if bounds is None:
                continue
            start, end, score = bounds
            end = _without_tail(text, start, end)
            done = end
            yield self.result("URL", start, end, score)

    def _schemed(self, text: str, mark: re.Match[str]) -> tuple[int, int, float] | None:
        scheme = _SCHEME.match(text[max(0, mark.start() - 20) : mark.start()][::-1])
        rest = _REST.match(text, mark.end())
        if scheme is None or rest is None or not scheme[0][-1].isalpha():
            return None
        return mark.start() - len(scheme[0]), rest.end(), _score(rest[0])

    def _bare(self, text: str, mark: re.Match[str], done: int) -> tuple[int, int, float] | None:
        if mark[0].lower() == "www.":
            rest = _REST.match(text, mark.start())
            if rest is None or "." not in rest[0][4:] or text[mark.start() - 1 : mark.start()].isalnum():
                return None
            return mark.start(), rest.end(), 0.5
        before = _HOSTNAME.match(text[max(done, mark.start() - 253) : mark.start()][::-1])
        if before is None or text[mark.start() - len(before[0]) - 1 : mark.start() - len(before[0])] in (
            "@",
            "/",
            "\\",
        ):
            return None
        path = _PATH.match(text, mark.end())
        start = mark.start() - len(before[0].rstrip(".-_"))
        return (start, path.end() if path else mark.end(), 0.4) if start < mark.start() else None


def _score(rest: str) -> float:
    host = rest.partition("/")[0]
    if _USERINFO.match(host):
        return 0.9
    if _QUAD.match(host) or host.startswith("["):
        return 0.7
    return 0.7 if _PERSONAL_QUERY.search(rest) else 0.5


def _without_tail(text: str, start: int, end: int) -> int:
    """Return where a link ends without the sentence's punctuation; a closing bracket stays if it was opened inside."""
    while end > start and text[end - 1] in _TAIL:
        opening = _PAIRS.get(text[end - 1])
        if opening is not None and text.count(opening, start, end) >= text.count(text[end - 1], start, end):
            break
        end -= 1
    return end


class Ip(Recognizer):
    """Internet addresses that are somebody's: not the loopback, not a netmask, not a version in four parts."""

    def __init__(self) -> None:
        super().__init__("IpRecognizer", ["IP_ADDRESS"])

    def found(self, artifacts: Artifacts) -> Iterator[Result]:
        """Yield each address."""
        text = artifacts.text
        if text.count(".") >= 3:
            for match in _QUAD.finditer(text):
                score = _score_v4(text, *match.span())
                if score:
                    yield self.result("IP_ADDRESS", *match.span(), score, validated=score > 0.6)
        if text.count(":") >= 2:
            for match in _GROUPS.finditer(text):
                if _is_v6(text, *match.span()):
                    yield self.result("IP_ADDRESS", *match.span(), 0.9, validated=True)


def _score_v4(text: str, start: int, end: int) -> float:
    around = text[start - 1 : start] if start else "", text[end : end + 2]
    if around[0].isalnum() or around[0] in ("_", ".") or around[1][:1].isalnum() or around[1][:1] == "_":
        return 0.0
    if around[1][:1] == "." and around[1][1:].isdigit():
        return 0.0
    try:
        address = IPv4Address(text[start:end])
    except ValueError:
        return 0.0
    parts = address.packed
    if address.is_loopback or address.is_unspecified or parts[0] == 255:
        return 0.0
    if _IP_WORDS.near(text, start, end):
        return 0.95
    if _VERSION_WORDS.before(text, start, 24) or (max(parts) <= 30 and not address.is_private):
        return 0.0
    return 0.7


def _is_v6(text: str, start: int, end: int) -> bool:
    value = text[start:end]
    if text[start - 1 : start].isalnum() or text[end : end + 1].isalnum() or value.count(":") < 2:
        return False
    try:
        address = ip_address(value)
    except ValueError:
        return False
    groups = [group for group in value.split(":") if group]
    worded = len(groups) >= 3 and any(character.isdigit() for character in value)
    return isinstance(address, IPv6Address) and worded and not address.is_loopback


def mac() -> Recognizer:
    """Return the recognizer of network cards' addresses."""
    return Shaped(
        "MAC_ADDRESS",
        code(r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![:-][0-9A-Fa-f])", 0.9),
        code(r"[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}", 0.6),
        stock=stock.MacAddressRecognizer(),
    )
