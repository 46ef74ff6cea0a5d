"""Answers that come in events, judged while they pass."""
