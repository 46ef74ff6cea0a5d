"""Writes tests/data/identifiers.jsonl: made-up identifiers of every rule of rules/personal in many phrasings, and near misses.

Run it as `python tests/data/identifiers.py`; the same seed gives the same file. Values are drawn from a rule's own patterns
until its check passes, so they belong to nobody but by chance.
"""

import json
import random
import re._parser as parser  # type: ignore[import-not-found]
import string
from collections.abc import Iterator
from pathlib import Path

from detectors.rules import checks
from detectors.rules.identifier import Identifier
from detectors.rules.load import RuleBook, load

ROOT = Path(__file__).parents[2]
PLACE = Path(__file__).with_suffix(".jsonl")
SEED = 20240506
TRIES = 20_000
FIXED = {  # no drawing at random passes a check of 32 bits
    "bitcoin": ["1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"], "ripple": ["rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"],
    "bitcoin-segwit": ["bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"],
    "ethereum": ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359"],
    "iban": ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "FR14 2004 1010 0505 0001 3M02 606", "NO9386011117947",
             "NL91ABNA0417164300", "CH93-0076-2011-6238-5295-7", "ES9121000418450200051332", "PL61 1090 1014 0000 0712 1981 2874"],
    "mrz": ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"],
    "eu-vat-other": ["DE136695976", "ATU13585627"], "uk-driving": ["MORGA657054SM9IJ"], "bic": ["DEUTDEFF500"],
    "solana": ["7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV"], "monero": [],
    "mx-curp": ["BADD110313HCMLNS09"],
}  # fmt: skip
PHRASES = (
    "{label}: {value}", "{label} {value}", '{{"{key}": "{value}", "active": true}}', "{key} = '{value}'",
    "Hello team, my {label} is {value}. Thanks!", "<{key}>{value}</{key}>", "Please check {value} ({label}) again.",
    "{label} - {value}\nsent from a phone", "Could you tell me whether the {label} {value} is still right?",
    "name;{key};city\nAda;{value};Riga\n", "| Name | {label} |\n|---|---|\n| Grace | {value} |", "const {camel} = \"{value}\";",
)  # fmt: skip
ENOUGH = 6  # texts of a rule


def drawn(pattern: str, draw: random.Random) -> str:
    """A string that a pattern of a rule matches."""
    out: list[str] = []

    def walk(items: object) -> None:
        for op, value in items:  # type: ignore[attr-defined]
            name = str(op)
            if name == "LITERAL":
                out.append(chr(value))
            elif name == "IN":
                out.append(draw.choice(among(value)))
            elif name == "MAX_REPEAT":
                low, high, inner = value
                for _ in range(draw.randint(low, min(high, low + 40))):
                    walk(inner)
            elif name == "SUBPATTERN":
                walk(value[-1])
            else:
                walk(draw.choice(value[1]))  # a branch

    walk(parser.parse(pattern))
    return "".join(out)


def among(items: object) -> str:
    """The characters of a class."""
    found = ""
    for op, value in items:  # type: ignore[attr-defined]
        name = str(op)
        if name == "LITERAL":
            found += chr(value)
        elif name == "RANGE":
            found += "".join(map(chr, range(value[0], value[1] + 1)))
        else:
            found += string.digits
    return found


def values(rule: Identifier, draw: random.Random) -> Iterator[str]:
    """Values of a rule that pass its check, pattern after pattern."""
    if rule.id in FIXED:
        yield from FIXED[rule.id]
        return
    check = checks.find(rule.validator) if rule.validator else None
    for form in sorted(rule.forms, key=lambda form: -form.alone):
        for _ in range(TRIES):
            value = drawn(form.pattern, draw)
            if "?" in value or not any(map(str.isdigit, value)):
                continue
            if check is None or check(value if rule.case else value.upper()):
                yield value
                break


def near_miss(rule: Identifier, value: str, draw: random.Random) -> str:
    """The value with one digit changed so that its check fails, or nothing where that does not make it fail."""
    check = checks.find(rule.validator) if rule.validator else None
    places = [place for place, character in enumerate(value) if character.isdigit()]
    draw.shuffle(places)
    for place in places if check else ():
        for digit in string.digits:
            changed = value[:place] + digit + value[place + 1 :]
            if check is not None and not check(changed if rule.case else changed.upper()):
                return changed
    return ""


def cases(book: RuleBook, seed: int = SEED) -> Iterator[dict[str, object]]:
    """All texts, with their spans."""
    draw = random.Random(seed)
    turn = 0
    for rule in book.personal:
        words = rule.words or tuple(word for group in rule.groups for word in book.shared.groups[group])[:4]
        found = list(values(rule, draw))
        for number in range(ENOUGH if found else 0):
            value = found[number % len(found)]
            label = words[number % len(words)]
            if not rule.words and rule.country:
                label = f"{book.shared.countries[rule.country][0]} {label}"
            key = "_".join("".join(c if c.isalnum() else " " for c in label).split())
            camel = "".join(part.title() if place else part for place, part in enumerate(key.split("_")))
            phrase = PHRASES[turn % len(PHRASES)] if "\n" not in value else "{label}\n{value}\n"
            turn += 1
            before, _, after = phrase.partition("{value}")
            names = {"label": label if label.isupper() or number % 2 else label.upper(), "key": key, "camel": camel}
            head, tail = before.format(**names), after.format(**names)
            span = {"start": len(head), "end": len(head) + len(value), "type": rule.entity}
            yield {
                "id": f"{rule.id}-{number}",
                "text": head + value + tail,
                "spans": [span],
                "source": rule.country or "XX",
            }
        for form in rule.forms:
            if form.alone >= 0.5 and found:
                yield {"id": f"{rule.id}-alone", "text": found[0], "source": rule.country or "XX",
                       "spans": [{"start": 0, "end": len(found[0]), "type": rule.entity}]}  # fmt: skip
                break
        if found and (wrong := near_miss(rule, found[0], draw)):
            yield {"id": f"{rule.id}-miss", "text": f"see {wrong} in there", "spans": [], "source": "misses"}


def main() -> None:
    lines = [json.dumps(case, ensure_ascii=False) for case in cases(load(ROOT / "rules"))]
    PLACE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} texts")


if __name__ == "__main__":
    main()
