"""Words for people: what a blocked or warned person reads, and the header that programs read."""

from proxy.notices.header import decision_header
from proxy.notices.words import Notices, check, load, notice, pages, preferred, wants_page

__all__ = ["Notices", "check", "decision_header", "load", "notice", "pages", "preferred", "wants_page"]
