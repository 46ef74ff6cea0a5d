"""The text of a document: plain text and code, Markdown, HTML, JSON, e-mail and office files; what is not read is said."""

import email
import email.policy
import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Final, Literal
from xml.parsers import expat

LARGEST: Final = 50_000_000  # bytes of a file, and of what an office file unpacks to
_SAMPLE: Final = 4_096
_CONVERT: Final = frozenset({".pdf", ".doc", ".xls", ".ppt", ".rtf", ".msg", ".pst", ".pages", ".numbers", ".key"})
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_BLOCKS: Final = frozenset(
    [
        *(
            "address",
            "article",
            "aside",
            "blockquote",
            "br",
            "dd",
            "div",
            "dl",
            "dt",
            "fieldset",
            "figcaption",
            "figure",
        ),
        *("footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "option"),
        *("p", "pre", "section", "table", "td", "th", "title", "tr", "ul"),
    ]
)
_HIDDEN: Final = frozenset({"script", "style", "template"})
_ENDS: Final = frozenset({"p", "h", "br", "tab", "tr", "tc", "table-cell", "list-item"})  # of office files' paragraphs


@dataclass(frozen=True, slots=True)
class Read:
    """A document's text; `left` names its parts that were not read."""

    text: str
    left: tuple[str, ...] = ()


type Why = Literal["too large", "binary", "encrypted", "damaged", "unreadable", "of a format that is not read"]


@dataclass(frozen=True, slots=True)
class Unread:
    """A document that was not read, with the reason."""

    why: Why


def text_of(path: Path, content: bytes) -> Read | Unread:
    """Return the text of a file's bytes; its name tells the format where the bytes alone do not."""
    suffix = path.suffix.lower()
    if len(content) > LARGEST:
        return Unread("too large")
    if suffix in _CONVERT or content.startswith((b"%PDF-", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
        return Unread("of a format that is not read")
    if content.startswith(b"PK\x03\x04"):
        return _office(path, content)
    text = decoded(content)
    if text is None:
        return Unread("binary")
    if suffix in {".html", ".htm", ".xhtml"}:
        return Read(_html(text))
    if suffix == ".eml":
        return _mail(content)
    if suffix in {".json", ".jsonl", ".ndjson", ".ipynb"}:
        return Read(_json(text))
    return Read(text)


def decoded(content: bytes) -> str | None:
    """Return bytes as text: UTF-8, UTF-16 with its mark, or Windows-1252; None where they are no text."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError:
                return None
    if b"\0" in content[:_SAMPLE] or b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in content[:_SAMPLE])
    high = sum(byte >= 128 for byte in content[:_SAMPLE])
    if control or high * 3 > min(len(content), _SAMPLE):
        return None
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return None


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN and self._hidden:
            self._hidden -= 1
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def _html(text: str) -> str:
    page = _Page()
    page.feed(text)
    page.close()
    return "".join(page.parts)


def _json(text: str) -> str:
    """Return the names and values of JSON, or of JSON lines, as lines; what is none stays as it is."""
    try:
        return "\n".join(_leaves(json.loads(text)))
    except (ValueError, RecursionError):
        pass
    try:
        return "\n".join(leaf for line in text.splitlines() if line.strip() for leaf in _leaves(json.loads(line)))
    except (ValueError, RecursionError):
        return text


def _leaves(value: object) -> Iterator[str]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            for key, below in reversed(item.items()):
                stack += (below, key)
        elif isinstance(item, list):
            stack += reversed(item)
        elif item is not None:
            yield str(item)


def _mail(content: bytes) -> Read:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    texts = [str(message.get("subject", ""))]
    left: list[str] = []
    for part in message.walk():
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        payload = part.get_payload(decode=True)
        if kind not in {"text/plain", "text/html"} or part.is_attachment() or not isinstance(payload, bytes):
            left.append(f"a part of type {kind}")
            continue
        try:
            text = payload.decode(part.get_content_charset("utf-8"), "replace")
        except LookupError:
            left.append("a part of unknown encoding")
            continue
        texts.append(_html(text) if kind == "text/html" else text)
    return Read("\n".join(texts), tuple(left))


class _DamagedError(Exception):
    """An office file that is not what its name says."""


def _office(path: Path, content: bytes) -> Read | Unread:
    import io

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if any(info.flag_bits & 1 for info in archive.infolist()):
                return Unread("encrypted")
            if sum(info.file_size for info in archive.infolist()) > 4 * LARGEST:
                return Unread("too large")
            if "xl/workbook.xml" in names:
                return Read(_sheets(archive, names))
            parts = [
                name
                for name in names
                if name in {"content.xml", "word/document.xml"}
                or name.startswith(("word/header", "word/footer", "word/footnotes", "word/endnotes", "word/comments"))
                or name.startswith(("ppt/slides/slide", "ppt/notesSlides/notesSlide"))
            ]
            if not parts:
                return Unread("of a format that is not read")
            left = tuple(f"the part {name}" for name in names if "/embeddings/" in name)
            return Read("\n".join(_paragraphs(_part(archive, name), name == "content.xml") for name in parts), left)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, expat.ExpatError, _DamagedError, ValueError):
        return Unread("damaged")


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as part:
        content = part.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise _DamagedError
    return content


class _Tree:
    """A reader of XML that takes no entities; it tells of each element's local name as it begins and ends."""

    def __init__(self, content: bytes) -> None:
        self.words: list[str] = []
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = lambda name, attributes: self.begin(name.rpartition(" ")[2], attributes)
        parser.EndElementHandler = lambda name: self.end(name.rpartition(" ")[2])
        parser.CharacterDataHandler = self.data
        parser.EntityDeclHandler = self._refused
        parser.buffer_text = True
        parser.Parse(content, True)

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Hear that an element begins."""

    def end(self, name: str) -> None:
        """Hear that it ends."""

    def data(self, text: str) -> None:
        """Hear of text in it."""

    def _refused(self, *_: object) -> None:
        raise _DamagedError


class _Paragraphs(_Tree):
    def __init__(self, content: bytes, every: bool) -> None:
        self._every = every  # OpenDocument has text anywhere, Office Open XML in elements named t
        self._in_text = 0
        super().__init__(content)

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._in_text += name == "t"
        if name in {"s", "tab", "line-break", "br"}:
            self.words.append(" ")

    def end(self, name: str) -> None:
        self._in_text -= name == "t"
        if name in _ENDS:
            self.words.append("\n")

    def data(self, text: str) -> None:
        if self._every or self._in_text:
            self.words.append(text)


def _paragraphs(content: bytes, every: bool) -> str:
    return "".join(_Paragraphs(content, every).words)


class _Strings(_Tree):
    """The strings that the cells of a workbook share."""

    def __init__(self, content: bytes) -> None:
        self.strings: list[str] = []
        self._in_text = False
        super().__init__(content)

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._in_text = name == "t"
        if name == "si":
            self.strings.append("")

    def end(self, name: str) -> None:
        self._in_text = False

    def data(self, text: str) -> None:
        if self._in_text and self.strings:
            self.strings[-1] += text


class _Cells(_Tree):
    def __init__(self, content: bytes, strings: list[str]) -> None:
        self._strings = strings
        self._shared = False
        self._value: str | None = None
        super().__init__(content)

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._shared = attributes.get("t") == "s"
        if name in {"v", "t"}:
            self._value = ""

    def end(self, name: str) -> None:
        if name in {"v", "t"} and self._value is not None:
            self.words.append(self._strings[int(self._value)] if self._shared and name == "v" else self._value)
            self._value = None
        if name in {"c", "row"}:
            self.words.append("\t" if name == "c" else "\n")

    def data(self, text: str) -> None:
        if self._value is not None:
            self._value += text


def _sheets(archive: zipfile.ZipFile, names: list[str]) -> str:
    shared = "xl/sharedStrings.xml"
    strings = _Strings(_part(archive, shared)).strings if shared in names else []
    sheets = (name for name in names if name.startswith("xl/worksheets/sheet"))
    try:
        return "\n".join("".join(_Cells(_part(archive, name), strings).words) for name in sheets)
    except IndexError:
        raise _DamagedError from None
