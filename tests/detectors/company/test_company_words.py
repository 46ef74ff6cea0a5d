"""Words have exact places in the original, and hashes are SipHash under the key."""

import numpy as np
import pytest
from company_world import HASHER
from hypothesis import given
from hypothesis import strategies as st

from detectors.company.found import Reading, runs_of
from detectors.company.hashing import Hasher, siphash
from detectors.company.words import words_of


def spelt(text: str, *, escaped: bool = False) -> list[tuple[str, str]]:
    words = words_of(text, escaped=escaped)
    letters = ["".join(map(chr, words.letters[a:b])) for a, b in zip(words.starts, words.starts[1:], strict=False)]
    return [(text[a:b], word) for a, b, word in zip(words.begins, words.ends, letters, strict=True)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Anna MÜLLER, E-10423", ["anna", "muller", "e", "10423"]),
        ("O'Brien 70,000.50", ["o", "brien", "70", "000", "50"]),
        ("Straße ﬁne Ångström \uff21\uff22\uff11\uff12 ٤٢ Łódź", ["strasse", "fine", "angstrom", "ab12", "42", "lodz"]),
        ("caf\u0065\u0301 zero\u200bwidth", ["cafe", "zerowidth"]),
        ("王小明 ok", ["王", "小", "明", "ok"]),
        ("", []),
        ("--- !", []),
    ],
)
def test_words_are_folded_over_case_accents_width_and_script(text: str, words: list[str]) -> None:
    assert [word for _, word in spelt(text)] == words


def test_escapes_of_json_are_white_where_the_text_is_json() -> None:
    assert [word for _, word in spelt(r"a\nE1\tx", escaped=True)] == ["a", "e1", "x"]
    assert [word for _, word in spelt(r"C:\new", escaped=False)] == ["c", "new"]


@given(st.text(max_size=60))
def test_every_word_lies_in_the_text_in_order_and_does_not_overlap(text: str) -> None:
    words = words_of(text)
    edges = [edge for pair in zip(words.begins.tolist(), words.ends.tolist(), strict=True) for edge in pair]
    assert edges == sorted(edges)
    assert all(0 <= begin < end <= len(text) for begin, end in zip(words.begins, words.ends, strict=True))
    assert len(words.letters) == words.starts[-1]


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=60))
def test_ascii_is_read_as_all_text_is(text: str) -> None:
    assert [w for _, w in spelt(text)] == [w for _, w in spelt(text + " é")][:-1]


def test_siphash_gives_the_value_of_its_authors() -> None:
    key = np.frombuffer(bytes(range(16)), dtype="<u8")
    message = np.frombuffer(bytes(range(8)), dtype="<u8")
    assert siphash(message, key).tobytes().hex() == "6224939a79f5f593"  # vectors_sip64[8] of the reference
    many = siphash(np.repeat(message, 20_000), key)
    assert set(many.tolist()) == set(siphash(message, key).tolist())


def hashes(hasher: Hasher, *texts: str) -> list[int]:
    found = []
    for text in texts:
        words = words_of(text)
        found.append(int(hasher.value_hashes(words, np.array([0]), np.array([len(words)]))[0]))
    return found


def test_value_is_the_same_however_it_is_divided_and_written() -> None:
    assert len(set(hashes(HASHER, "DE89 3704 0044", "de8937040044", "DE89-3704-0044", "...DE89/37040044"))) == 1
    assert len(set(hashes(HASHER, "José Díaz", "JOSE DIAZ", "jose-diaz", "Jos\u0065\u0301 Díaz"))) == 1


def test_values_places_and_keys_tell_hashes_apart() -> None:
    assert len(set(hashes(HASHER, "ab", "ba", "a", "aa", "b", "abab", "12", "21"))) == 8
    other = Hasher(b"k" * 32)
    assert hashes(HASHER, "Anna Müller") != hashes(other, "Anna Müller")
    assert HASHER.id != other.id


def test_run_has_the_same_hash_wherever_it_stands_also_beyond_what_is_kept_of_powers() -> None:
    long = "filler word " * 9_000 + "Anna Müller"
    words = words_of(long)
    count = len(words)
    late = HASHER.value_hashes(words, np.array([count - 2]), np.array([count]))
    assert late.tolist() == hashes(HASHER, "anna muller")


def test_runs_are_all_of_one_word_to_the_longest() -> None:
    first, last = runs_of(4, 3)
    assert sorted(zip(first.tolist(), last.tolist(), strict=True)) == [
        (0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4),
    ]  # fmt: skip
    assert [len(part) for part in Reading(words_of(""), HASHER).runs()] == [0, 0, 0]


def test_short_key_is_refused() -> None:
    with pytest.raises(Exception, match="has 16 bytes"):
        Hasher(bytes(16))
