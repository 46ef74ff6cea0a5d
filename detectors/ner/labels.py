"""What the token classifier was trained with: its labels in the order of its logits, and the case shapes of words."""

from typing import Final

TYPES: Final = ("PER", "LOC", "ORG", "ADDR", "DATE", "ID", "FIN", "USER", "PHONE", "EMAIL", "SECRET")
LABELS: Final = ("O", *(f"{prefix}-{kind}" for kind in TYPES for prefix in "BI"))

LOWER, TITLE, UPPER, CAPITAL, MIXED, DIGITS, ALPHANUMERIC, PUNCTUATION = range(1, 9)


def shape_of(word: str) -> int:
    """Return the case shape of a word, 1 to 8; 0 is for tokens that are no words."""
    if not any(character.isalnum() for character in word):
        return PUNCTUATION
    if word.isdigit():
        return DIGITS
    if any(character.isdigit() for character in word):
        return ALPHANUMERIC
    if word.islower() or word.lower() == word.upper():
        return LOWER
    if len(word) == 1:
        return CAPITAL
    if word.isupper():
        return UPPER
    if word[0].isupper() and word[1:].islower():
        return TITLE
    return MIXED
