"""The text of a document is read out of its format; what is not read is said with its reason."""

import io
import json
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest

from detectors.company.texts import Read, Unread, text_of

WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
SHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SLIDE = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'


def packed(**parts: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), text)
    return content.getvalue()


def text(name: str, content: bytes | str) -> str:
    read = text_of(Path(name), content.encode() if isinstance(content, str) else content)
    assert isinstance(read, Read)
    return read.text


def words(name: str, content: bytes | str) -> list[str]:
    return text(name, content).split()


def test_plain_texts_are_read_as_they_are_in_any_usual_encoding() -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        assert text("a.py", "naïve = 'Müller'\n".encode(encoding)) == "naïve = 'Müller'\n"


def test_html_is_read_without_markup_and_scripts() -> None:
    page = "<html><style>p{}</style><script>x()</script><p>A&amp;B <b>bo</b>ld</p><p>next</p></html>"
    assert words("a.html", page) == ["A&B", "bold", "next"]


def test_json_is_read_as_names_and_values() -> None:
    content = {"name": "Line\nbreak", "list": [1, None, {"deep": "é"}]}
    assert words("a.json", json.dumps(content)) == ["name", "Line", "break", "list", "1", "deep", "é"]
    assert words("a.jsonl", '{"a": "b"}\n{"c": "d"}\n') == ["a", "b", "c", "d"]
    assert text("a.json", "{torn") == "{torn"


def test_mail_is_read_with_its_subject_and_attachments_are_named() -> None:
    mail = EmailMessage()
    mail["Subject"] = "Plan für März"
    mail.set_content("plain text")
    mail.add_alternative("<p>rich text</p>", subtype="html")
    mail.add_attachment(b"\0\1", maintype="application", subtype="octet-stream", filename="x.bin")
    read = text_of(Path("a.eml"), mail.as_bytes())
    assert isinstance(read, Read)
    assert read.text.split() == ["Plan", "für", "März", "plain", "text", "rich", "text"]
    assert read.left == ("a part of type application/octet-stream",)


def test_office_files_are_read_by_paragraph_slide_and_row() -> None:
    runs = "<w:p><w:r><w:t>First</w:t></w:r><w:r><w:t>ly</w:t></w:r></w:p><w:p><w:t>next</w:t></w:p>"
    body = f"<w:document {WORD}>{runs}</w:document>"
    assert words("a.docx", packed(word__document_xml=body)) == ["Firstly", "next"]
    slide = f"<p {SLIDE}><a:p><a:t>On a slide</a:t></a:p></p>"
    assert words("a.pptx", packed(ppt__slides__slide1_xml=slide)) == ["On", "a", "slide"]
    shared = f"<sst {SHEET}><si><t>Anna</t></si><si><r><t>Bo</t></r><r><t>b</t></r></si></sst>"
    sheet = (
        f'<worksheet {SHEET}><row><c t="s"><v>1</v></c><c><v>70000</v></c></row>'
        '<row><c t="s"><v>0</v></c><c t="inlineStr"><is><t>in</t></is></c></row></worksheet>'
    )
    book = packed(xl__workbook_xml="<x/>", xl__sharedStrings_xml=shared, xl__worksheets__sheet1_xml=sheet)
    assert words("a.xlsx", book) == ["Bob", "70000", "Anna", "in"]
    odt = '<d xmlns:t="urn:t"><t:h>Head</t:h><t:p>bo<t:span>dy</t:span></t:p></d>'
    assert words("a.odt", packed(content_xml=odt)) == ["Head", "body"]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.pdf", b"%PDF-1.7", "of a format that is not read"),
        ("a.txt", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "of a format that is not read"),
        ("a.bin", b"a\0b", "binary"),
        ("a.zip", packed(note_xml="<x/>"), "of a format that is not read"),
        ("a.docx", b"PK\x03\x04torn", "damaged"),
        ("a.docx", packed(word__document_xml="<torn"), "damaged"),
        ("a.docx", packed(word__document_xml='<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'), "damaged"),
        ("a.xlsx", packed(xl__workbook_xml="<x/>", xl__worksheets__sheet1_xml='<c t="s"><v>7</v></c>'), "damaged"),
        ("a.txt", bytes(range(128, 256)) * 40, "binary"),
    ],
)
def test_what_is_not_read_is_told_with_its_reason(name: str, content: bytes, why: str) -> None:
    assert text_of(Path(name), content) == Unread(why)  # type: ignore[arg-type]
