"""The JSON reader agrees with Python's, refuses what is ambiguous, and splices without touching another byte."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.finding import SkipReason
from proxy.providers.jsontext import (
    EditError,
    JsonError,
    Leaf,
    LeafEdit,
    Replacement,
    escaped,
    read,
    read_text,
    replaced,
    spliced,
    unescaped,
    within,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def written(value: object, rng: random.Random) -> str:
    """Write a value as JSON with arbitrary white space and arbitrary escapes."""

    def blank() -> str:
        return "".join(rng.choice(" \t\r\n") for _ in range(rng.choice([0, 0, 1, 2])))

    def letter(char: str) -> str:
        if char in '"\\' or char < " " or rng.random() < 0.3:
            units = char.encode("utf-16-be")
            pairs = [units[i : i + 2].hex() for i in range(0, len(units), 2)]
            return "".join(f"\\u{pair.upper() if rng.random() < 0.5 else pair}" for pair in pairs)
        return "\\/" if char == "/" and rng.random() < 0.5 else char

    if isinstance(value, str):
        return f'{blank()}"{"".join(map(letter, value))}"{blank()}'
    if isinstance(value, list):
        return f"{blank()}[{','.join(written(one, rng) for one in value) or blank()}]{blank()}"
    if isinstance(value, dict):
        pairs = [f"{written(key, rng)}:{written(one, rng)}" for key, one in value.items()]
        return f"{blank()}{{{','.join(pairs) or blank()}}}{blank()}"
    return f"{blank()}{json.dumps(value)}{blank()}"


def leaves_of(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], str, bool]]:
    """Return what the reader should find: (path, text, is a key), strings only."""
    if isinstance(value, str):
        return [(path, value, False)]
    if isinstance(value, list):
        return [leaf for index, one in enumerate(value) for leaf in leaves_of(one, (*path, index))]
    if isinstance(value, dict):
        found = []
        for key, one in value.items():
            found += [((*path, key), key, True), *leaves_of(one, (*path, key))]
        return found
    return []


@given(VALUES, st.randoms(use_true_random=False))
def test_every_string_and_key_is_found_and_no_edits_give_the_identical_bytes(value: object, rng: random.Random) -> None:
    body = written(value, rng).encode()
    text = read(body)
    assert [(leaf.path, leaf.text, leaf.key) for leaf in text.leaves if not leaf.number] == leaves_of(value)
    assert text.render() is body
    assert all(json.loads(text.source[leaf.start : leaf.end]) == leaf.text for leaf in text.leaves if not leaf.number)


@given(VALUES, st.randoms(use_true_random=False), TEXT)
def test_spliced_text_equals_the_edit_made_after_parsing(value: object, rng: random.Random, replacement: str) -> None:
    body = written(value, rng).encode()
    text = read(body)
    strings = [leaf for leaf in text.leaves if not leaf.key and not leaf.number]
    if not strings:
        return
    leaf = rng.choice(strings)
    cuts = sorted(rng.randint(0, len(leaf.text)) for _ in range(4))
    edits = [LeafEdit(leaf, cuts[0], cuts[1], replacement), LeafEdit(leaf, cuts[2], cuts[3], "")]
    wanted = leaf.text[: cuts[0]] + replacement + leaf.text[cuts[1] : cuts[2]] + leaf.text[cuts[3] :]
    rendered = text.render(edits)
    again = read(rendered)
    assert again.strings[leaf.path].text == wanted
    source = rendered.decode()
    at = again.strings[leaf.path]
    assert source[: at.start] == text.source[: leaf.start]
    assert source[at.end :] == text.source[leaf.end :]


@settings(max_examples=60)
@given(VALUES, st.randoms(use_true_random=False), TEXT)
def test_edit_of_an_unescaped_view_reads_back_as_made(value: object, rng: random.Random, replacement: str) -> None:
    inner = written([value, "\n"], rng)
    plain = unescaped(inner)
    if plain is None:
        assert "\\" not in inner
        return
    body = json.dumps({"a": inner}).encode()
    at = plain.index("\n") if plain.count("\n") == 1 else 0
    made = within(inner, plain, [(at, at + 1, replacement)])
    outer = spliced(inner, made)
    assert len(made) == (0 if plain[at] == replacement else 1)
    assert json.loads(body)["a"] == inner
    assert outer.endswith(inner[made[0].end :] if made else inner)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"a":1,"a":2}', SkipReason.DUPLICATE_KEY),
        (b'{"a":1,"\\u0061":2}', SkipReason.DUPLICATE_KEY),
        (b'[{"x":{"k":1,"k":1}}]', SkipReason.DUPLICATE_KEY),
        (b'"\\ud800"', SkipReason.LONE_SURROGATE),
        (b'"\\uDC00x"', SkipReason.LONE_SURROGATE),
        (b'{"\\udfff":1}', SkipReason.LONE_SURROGATE),
        (b'"\\ud83d\\u0041"', SkipReason.LONE_SURROGATE),
        (b'"\xed\xa0\x80"', SkipReason.MALFORMED),
        (b'"\xff"', SkipReason.MALFORMED),
        (b'"\xc0\xaf"', SkipReason.MALFORMED),
        (b"\xef\xbb\xbf{}", SkipReason.MALFORMED),
        ("{}".encode("utf-16"), SkipReason.MALFORMED),
        (b"", SkipReason.MALFORMED),
        (b" ", SkipReason.MALFORMED),
        (b"NaN", SkipReason.MALFORMED),
        (b"[Infinity]", SkipReason.MALFORMED),
        (b"[-Infinity]", SkipReason.MALFORMED),
        (b"{} {}", SkipReason.MALFORMED),
        (b"[1]]", SkipReason.MALFORMED),
        (b"[1,]", SkipReason.MALFORMED),
        (b"[,1]", SkipReason.MALFORMED),
        (b'{"a":1,}', SkipReason.MALFORMED),
        (b'{"a" 1}', SkipReason.MALFORMED),
        (b"{a:1}", SkipReason.MALFORMED),
        (b"{1:2}", SkipReason.MALFORMED),
        (b"[1 2]", SkipReason.MALFORMED),
        (b"[}", SkipReason.MALFORMED),
        (b"{]", SkipReason.MALFORMED),
        (b"[1}", SkipReason.MALFORMED),
        (b"01", SkipReason.MALFORMED),
        (b"[01]", SkipReason.MALFORMED),
        (b"[1.]", SkipReason.MALFORMED),
        (b"+1", SkipReason.MALFORMED),
        (b"'a'", SkipReason.MALFORMED),
        (b'"a', SkipReason.MALFORMED),
        (b'"\n"', SkipReason.MALFORMED),
        (b'"\\x41"', SkipReason.MALFORMED),
        (b'"\\u12"', SkipReason.MALFORMED),
        (b"[1] //", SkipReason.MALFORMED),
        (b"{}\x00", SkipReason.MALFORMED),
        (b"\xc2\xa0{}", SkipReason.MALFORMED),
        (b"1e999", SkipReason.TOO_LARGE),
        (b"1" * 5000, SkipReason.TOO_LARGE),
        (b"[" * 100_000, SkipReason.TOO_LARGE),
        (b'{"a":' * 100_000, SkipReason.TOO_LARGE),
        (b"[" + b"[]," * 600_000 + b"1]", SkipReason.TOO_LARGE),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value.value,
)
def test_ambiguous_or_unbounded_text_is_refused_with_its_reason(body: bytes, reason: SkipReason) -> None:
    with pytest.raises(JsonError) as caught:
        read(body)
    assert caught.value.reason is reason


@settings(max_examples=300)
@given(st.text('{}[]",:\\u0d8e1.+- \ntrfalsn', max_size=24))
def test_reader_accepts_only_what_python_accepts_with_strict_rules(source: str) -> None:
    def once(pairs: list[tuple[str, object]]) -> object:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError
        return dict(pairs)

    def never(_word: str) -> object:
        raise ValueError

    try:
        value = json.loads(source, object_pairs_hook=once, parse_constant=never)
        json.dumps(value, ensure_ascii=False).encode()
        good = True
    except (ValueError, RecursionError):
        good = False
    try:
        read_text(source)
        accepted = True
    except JsonError as error:
        accepted = error.reason is SkipReason.TOO_LARGE and good
    assert accepted == good


@given(st.lists(st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_number_arrays_are_read_whole_but_long_integers_in_them_are_leaves(numbers: list[float]) -> None:
    text = read(json.dumps({"v": numbers}).encode())
    long = [
        str(number) if isinstance(number, int) else repr(number)
        for number in numbers
        if len(json.dumps(number).lstrip("-").partition(".")[0].partition("e")[0]) >= 7
    ]
    assert [leaf.text for leaf in text.leaves if leaf.number] == long
    assert text.containers["v",].kind == "["


def test_long_integer_becomes_a_string_when_edited() -> None:
    text = read(b'{"card": 4111111111111111, "n": 5}')
    leaf = next(leaf for leaf in text.leaves if leaf.number)
    assert text.render([LeafEdit(leaf, 0, 16, '<"C">')]) == b'{"card": "<\\"C\\">", "n": 5}'


@pytest.mark.parametrize("spans", [[(0, 2), (1, 3)], [(0, 9)], [(2, 1)], [(-1, 1)]])
def test_edits_that_overlap_or_reach_out_are_refused(spans: list[tuple[int, int]]) -> None:
    text = read(b'"abc"')
    with pytest.raises(EditError):
        text.render([LeafEdit(text.leaves[0], start, end, "x") for start, end in spans])
    with pytest.raises(EditError):
        spliced("abc", [Replacement(start, end, "x") for start, end in spans])


def test_edit_that_changes_nothing_gives_the_identical_bytes() -> None:
    text = read(rb'"a\u0062c"')
    assert text.render([LeafEdit(text.leaves[0], 1, 2, "b")]) is text.body


def test_replacement_with_a_lone_surrogate_is_refused() -> None:
    text = read(b'"abc"')
    with pytest.raises(EditError):
        text.render([LeafEdit(text.leaves[0], 0, 1, "\ud800")])


def test_line_separators_in_a_replacement_are_escaped_for_readers_of_streams() -> None:
    assert escaped("a\u2028b\u0085c\nd") == "a\\u2028b\\u0085c\\nd"


def test_surrogate_pair_is_one_code_point_of_the_text() -> None:
    text = read(rb'"x\ud83d\ude00\u0041y"')
    assert text.leaves[0].text == "x\U0001f600Ay"
    assert text.render([LeafEdit(text.leaves[0], 2, 3, "B")]) == rb'"x\ud83d\ude00By"'


def test_reprs_show_no_text() -> None:
    text = read(b'{"private": "value"}')
    leaf = text.leaves[1]
    shown = repr((leaf, LeafEdit(leaf, 0, 1, "value"), replaced(text.source, [LeafEdit(leaf, 0, 1, "value")])))
    assert "private" not in shown
    assert "value" not in shown
    assert isinstance(leaf, Leaf)
