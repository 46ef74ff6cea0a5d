"""The whole program on one screen: parse, scan, decide, rewrite, render; the same for requests, answers and streams."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from detectors.errors import Error
from detectors.finding import Category, Finding, Scan, Segment
from proxy import rewrite
from proxy.exchange import Action, Decision, Document, Edit, Exchange, Json, Phase, Reason, Verdict
from proxy.facts import Circumstances, question
from proxy.policy.interface import Engine, PolicyError
from proxy.providers.interface import Codec

type Look = Callable[[Sequence[Segment]], Awaitable[Scan]]


@dataclass(frozen=True, slots=True)
class Faculties:
    """What judging needs: a look at requests and one at answers, the policy, and who may pass while it is silent."""

    looks: Mapping[Phase, Look]
    policy: Engine
    fail_open: frozenset[str] = frozenset()


async def judge(exchange: Exchange, document: Document, codec: Codec, by: Faculties, around: Circumstances) -> Verdict:
    """Return the verdict on one direction of an exchange; its body is None where it is blocked."""
    started = perf_counter()
    scan = await by.looks[exchange.phase](document.segments)
    scan = Scan(scan.findings, document.skipped + scan.skipped)
    scanned = perf_counter()
    facts = question(exchange, document.segments, scan, around)
    decision = await decide(facts, exchange.destination.provider, by)
    decided = perf_counter()
    verdict = Verdict(exchange, decision, scan.findings, scan.skipped, facts=facts)
    if decision.action is not Action.BLOCK:
        verdict = rendered(verdict, document, codec, around)
    stages = (("scan", scanned - started), ("decide", decided - scanned), ("rewrite", perf_counter() - decided))
    return replace(verdict, timings=tuple((stage, round(seconds * 1000, 3)) for stage, seconds in stages))


async def decide(facts: Mapping[str, Json], provider: str, by: Faculties) -> Decision:
    """Ask the policy; without an answer it is a block, or an audited pass where the provider is configured so."""
    try:
        return await by.policy.decide(facts)
    except PolicyError as error:
        if provider in by.fail_open:
            reason = Reason("policy.fail_open", Action.ALLOW, f"no decision: {error}")
            return Decision(Action.ALLOW, Action.BLOCK, (), (reason,), revision=by.policy.revision)
        reason = Reason("policy.unavailable", Action.BLOCK, f"no decision: {error}", "The policy could not be asked.")
        return blocked(reason, by.policy.revision)


def rendered(verdict: Verdict, document: Document, codec: Codec, around: Circumstances) -> Verdict:
    """Return the verdict with edits, changes and the body that goes on; what cannot be rewritten is blocked."""
    exchange, decision = verdict.exchange, verdict.decision
    try:
        edits = edits_of(document.segments, verdict.findings, decision, around)
        changes = rewrite.changes(exchange.parameters, exchange.destination.model, decision)
        target, inside = codec.readdress(exchange.target, changes)
        body = codec.render(document, edits, inside)
        return replace(verdict, edits=edits, changes=changes, body=body, target=target)
    except Error as error:
        reason = Reason("rewrite.refused", Action.BLOCK, str(error), "The text could not be rewritten safely.")
        return replace(verdict, decision=blocked(reason, decision.revision, decision))


def edits_of(
    segments: Sequence[Segment], findings: Sequence[Finding], decision: Decision, around: Circumstances
) -> tuple[Edit, ...]:
    """Return the edits a decision asks for; what stood in the request already may come back as it is."""
    fresh = tuple(f for f in findings if f.category is Category.HAZARD or f.fingerprint not in around.known)
    return rewrite.edits(segments, fresh, decision)


def blocked(reason: Reason, revision: str, before: Decision | None = None) -> Decision:
    """Return a block of the gate's own, keeping what the policy had said before."""
    earlier = before.reasons if before else ()
    role = before.role if before else ""
    return Decision(Action.BLOCK, Action.BLOCK, (), (*earlier, reason), role=role, revision=revision)
