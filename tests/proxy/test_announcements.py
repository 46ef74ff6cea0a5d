"""What a person at the terminal reads of an exchange."""

from proxy.audit.record import Outcome
from proxy.exchange import Action, Actor, Decision, Destination, Phase, Reason, Verdict
from proxy.serving import exchange_ended
from proxy.trail import Trail


def test_line_of_a_host_blocked_on_connecting_names_the_rule() -> None:
    trail = Trail("0001", Actor("alice"), Destination("chatgpt.com", "chatgpt"), "forward", "127.0.0.1")
    reasons = (Reason("access.training", Action.BLOCK, "may train", "may train"),)
    trail.connect = Verdict(trail.exchange(Phase.CONNECT), Decision(Action.BLOCK, Action.BLOCK, reasons=reasons))
    said = exchange_ended(trail, Outcome.BLOCKED)
    assert said.fields["rules"] == "access.training"
    assert said.fields["host"] == "chatgpt.com"


def test_host_outside_the_catalogue_is_not_named() -> None:
    trail = Trail("0002", Actor("alice"), Destination("clinic.example"), "forward", "127.0.0.1")
    assert "clinic" not in repr(exchange_ended(trail, Outcome.TUNNELLED))
