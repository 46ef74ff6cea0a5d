"""Writes tests/data/clean/*.txt: made-up code, logs, tables, lock files and prose in which no person's number stands.

Run it as `python tests/data/clean_texts.py`; the same seed gives the same files.
"""

import json
import random
import uuid
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parent / "clean"
SIZE = 12_000  # characters of each file
SEED = 7
NOUNS = [
    "account",
    "agent",
    "archive",
    "batch",
    "branch",
    "buffer",
    "cache",
    "channel",
    "client",
    "cluster",
    "commit",
    "config",
    "cursor",
    "device",
    "driver",
    "engine",
    "event",
    "field",
    "filter",
    "frame",
    "handle",
    "header",
    "index",
    "invoice",
    "item",
    "job",
    "kernel",
    "key",
    "label",
    "layer",
    "license",
    "list",
    "module",
    "node",
    "number",
    "order",
    "packet",
    "page",
    "parser",
    "patient",
    "phone",
    "plan",
    "policy",
    "port",
    "process",
    "queue",
    "record",
    "region",
    "report",
    "route",
    "schema",
    "script",
    "section",
    "server",
    "session",
    "shard",
    "signal",
    "source",
    "stage",
    "state",
    "stream",
    "table",
    "task",
    "tax",
    "thread",
    "ticket",
    "token",
    "tree",
    "user",
    "value",
    "vector",
    "version",
    "worker",
]
VERBS = [
    "adds",
    "builds",
    "checks",
    "closes",
    "copies",
    "counts",
    "drops",
    "fills",
    "finds",
    "folds",
    "holds",
    "keeps",
    "lists",
    "loads",
    "maps",
    "marks",
    "merges",
    "moves",
    "opens",
]


def word(draw: random.Random) -> str:
    return draw.choice(NOUNS)


def digest(draw: random.Random, length: int = 64) -> str:
    return sha256(draw.randbytes(16)).hexdigest()[:length]


def version(draw: random.Random) -> str:
    return ".".join(str(draw.randint(0, 40)) for _ in range(draw.choice((2, 3, 3, 4))))


def stamp(draw: random.Random) -> str:
    day, hour = (
        f"{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
        f"{draw.randint(0, 23):02}:{draw.randint(0, 59):02}",
    )
    return f"{draw.randint(2015, 2026)}-{day}T{hour}:{draw.randint(0, 59):02}.{draw.randint(0, 999999):06}Z"


def python(draw: random.Random) -> str:
    a, b, c = word(draw), word(draw), word(draw)
    return draw.choice((
        f"    {a}_{b} = {draw.randint(0, 10**draw.randint(1, 12))}  # see #{draw.randint(100, 99999)}\n",
        f"def {a}_{b}({c}: int = {draw.randint(0, 65536)}, *, timeout: float = {draw.random():.4f}) -> None:\n",
        f"    assert {a}.{b} == 0x{draw.getrandbits(64):016X}, \"{c} {draw.randint(1000, 9999999)} {draw.choice(VERBS)} nothing\"\n",
        f"    self.{a}[{draw.randint(0, 4095)}] = ({draw.randint(-10**6, 10**6)}, {draw.uniform(-180, 180):.7f})\n",
        f"    if {a}_id in ({', '.join(str(draw.randint(10**5, 10**9)) for _ in range(4))}):\n        return {b!r}\n",
        f"T{draw.randint(1, 99)} = np.array([{', '.join(f'{draw.random():.8f}' for _ in range(6))}])\n",
    ))  # fmt: skip


def c_code(draw: random.Random) -> str:
    a, b = word(draw), word(draw)
    return draw.choice((
        f"#define {a.upper()}_{b.upper()}_MASK 0x{draw.getrandbits(32):08x}U\n",
        f"static const uint64_t {a}_{b}[] = {{ {', '.join(f'{draw.getrandbits(64)}ULL' for _ in range(3))} }};\n",
        f"  std::vector<{a}::{b}> v({draw.randint(1, 10**7)}); v[{draw.randint(0, 999)}]->{a}(); // rev {draw.randint(10000, 999999)}\n",
        f"  {{ 0x{draw.getrandbits(8):02x}, 0x{draw.getrandbits(8):02x}, {draw.randint(0, 255)}, \"{a.title()}{draw.randint(1, 512)}\" }},\n",
    ))  # fmt: skip


def log(draw: random.Random) -> str:
    a, b = word(draw), word(draw)
    return draw.choice((
        f"{stamp(draw)} INFO {a}.{b} took={draw.randint(1, 99999)}us rows={draw.randint(0, 10**9)} trace={digest(draw, 32)}\n",
        f"[{draw.randint(10**9, 2 * 10**9)}.{draw.randint(0, 10**6):06}] {a}: {b} {draw.randint(0, 9)}:{draw.randint(0, 9)}: 0x{draw.getrandbits(48):012x}\n",
        f"127.0.0.1 - - [06/May/2024:12:{draw.randint(10, 59)}:{draw.randint(10, 59)} +0000] \"GET /{a}/{draw.randint(1, 10**10)}?{b}={draw.randint(1, 10**8)} HTTP/1.1\" 200 {draw.randint(1, 10**7)}\n",
        f"{draw.randint(1_600_000_000_000, 1_780_000_000_000)} [{a}-{draw.randint(1, 64)}] WARN {b} id={uuid.UUID(int=draw.getrandbits(128))} retry in {draw.randint(1, 9999)} ms\n",
        f"E0506 12:13:{draw.randint(10, 59)}.{draw.randint(100000, 999999)} {draw.randint(10000, 99999)} {a}.go:{draw.randint(1, 2000)}] {b} {draw.randint(10**6, 10**9)} bytes\n",
        f"pid {draw.randint(1, 4194304)} uid {draw.randint(1000, 99999)} job {draw.randint(10**6, 10**11)} queue {a} exit {draw.randint(0, 255)}\n",
    ))  # fmt: skip


def lock(draw: random.Random) -> str:
    name = f"{word(draw)}-{word(draw)}"
    return draw.choice((
        f"{name}=={version(draw)} \\\n    --hash=sha256:{digest(draw)}\n",
        f"\"node_modules/{name}\": {{\n  \"version\": \"{version(draw)}\",\n  \"integrity\": \"sha512-{digest(draw)}{digest(draw, 20)}==\"\n}},\n",
        f"[[package]]\nname = \"{name}\"\nversion = \"{version(draw)}\"\nchecksum = \"{digest(draw)}\"\n",
        f"{name} v{version(draw)} h1:{digest(draw, 43)}=\n",
        f"- {{commit: {digest(draw, 40)}, tag: v{version(draw)}, build: {draw.randint(20150101, 20261231)}.{draw.randint(1, 999)}}}\n",
    ))  # fmt: skip


def table(draw: random.Random) -> str:
    return ",".join((
        str(draw.randint(1, 10**6)), f"SKU-{draw.randint(10**5, 10**8)}", f"{draw.random() * 1e4:.2f}", str(draw.randint(10**7, 10**11)),
        stamp(draw), f"{draw.randint(0, 10**4)}x{draw.randint(0, 10**4)}", f"{word(draw).title()} {draw.randint(1, 99)}",
    )) + "\n"  # fmt: skip


def measured(draw: random.Random) -> str:
    return (
        "\t".join(f"{draw.uniform(-1e6, 1e6):.{draw.randint(0, 9)}f}" for _ in range(6))
        + f"\t{draw.randint(10**8, 10**10)}\n"
    )


def orders(draw: random.Random) -> str:
    kind = draw.choice(
        ("order", "invoice", "ticket", "tracking number", "part number", "batch", "case", "reference", "SKU")
    )
    return draw.choice((
        f"Your {kind} {draw.randint(10**6, 10**11)} was shipped on {draw.randint(1, 28)} May with {draw.randint(1, 400)} parcels. ",
        f"{kind.title()} no. {draw.randint(100, 999)}-{draw.randint(10**6, 10**7)}-{draw.randint(10**6, 10**7)} is closed.\n",
        f"{kind.upper()}: {word(draw).upper()[:2]}{draw.randint(10**6, 10**9)}, {draw.randint(1, 90)} items, {draw.random() * 1e5:,.2f} EUR.\n",
        f"The {word(draw)} of {kind} #{draw.randint(1000, 10**7)} {draw.choice(VERBS)} {draw.randint(2, 99)} entries (see page {draw.randint(1, 400)}).\n",
    ))  # fmt: skip


def rfc(draw: random.Random) -> str:
    return draw.choice((
        f"{draw.randint(1, 12)}.{draw.randint(1, 9)}.{draw.randint(1, 9)}.  The {word(draw)} {word(draw)}\n\n",
        f"   The {word(draw)} MUST NOT exceed {draw.randint(10, 4294967295)} octets; see Section {draw.randint(1, 12)}.{draw.randint(1, 9)} of RFC {draw.randint(100, 9700)}.\n",
        f"   A {word(draw)} whose identification number or account number is unknown {draw.choice(VERBS)} the {word(draw)}.\n",
        f"   0x{draw.getrandbits(16):04x}  {word(draw).upper()}-{draw.randint(1, 255)}   [{draw.choice(('RFC', 'ISO', 'IEEE', 'EN'))} {draw.randint(100, 29192)}]\n",
        f"   Every tax, passport and social security office {draw.choice(VERBS)} {draw.randint(2, 20)} forms in {draw.randint(1990, 2025)}.\n",
    ))  # fmt: skip


def settings(draw: random.Random) -> str:
    a, b = word(draw), word(draw)
    return draw.choice((
        f"{a}:\n  {b}: {draw.randint(0, 10**8)}\n  image: registry.example.com/{a}/{b}@sha256:{digest(draw)}\n",
        f"{a}.{b}.max = {draw.randint(0, 2**31)}\n{a}.{b}.ratio = {draw.random():.9f}\n",
        json.dumps({"id": draw.getrandbits(44), a: digest(draw, 24), "size": draw.randint(0, 10**10), "etag": f"W/\"{digest(draw, 20)}\""}) + "\n",
        f"AWS_REGION=eu-west-{draw.randint(1, 3)} {a.upper()}_{b.upper()}={draw.randint(1, 10**9)}\n",
        f"<{a} id=\"{draw.randint(1, 10**9)}\" width=\"{draw.randint(1, 4096)}\" points=\"{draw.randint(0, 999)},{draw.randint(0, 999)}\"/>\n",
    ))  # fmt: skip


def versions(draw: random.Random) -> str:
    return draw.choice((
        f"Version {version(draw)} replaces {version(draw)}, needs glibc >= {version(draw)} and kernel {version(draw)}.\n",
        f"## [{version(draw)}] - {draw.randint(2015, 2026)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}\n- fixed #{draw.randint(1, 99999)} in {digest(draw, 7)}\n",
        f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/{draw.randint(500, 600)}.{draw.randint(1, 60)} Chrome/{draw.randint(90, 140)}.0.{draw.randint(1000, 7000)}.{draw.randint(1, 200)}\n",
        f"firmware {draw.randint(1, 20)}.{draw.randint(0, 255)}.{draw.randint(0, 255)}.{draw.randint(0, 255)} build {draw.randint(10**6, 10**9)}\n",
    ))  # fmt: skip


KINDS: dict[str, Callable[[random.Random], str]] = {
    "python": python, "c": c_code, "log": log, "lock": lock, "table": table, "measured": measured, "orders": orders,
    "rfc": rfc, "settings": settings, "versions": versions,
}  # fmt: skip


def text_of(kind: str) -> str:
    """The text of one kind."""
    draw = random.Random(f"{SEED} {kind}")
    parts: list[str] = []
    while sum(map(len, parts)) < SIZE:
        parts.append(KINDS[kind](draw))
    return "".join(parts)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for kind in KINDS:
        (FOLDER / f"{kind}.txt").write_text(text_of(kind), encoding="utf-8")


if __name__ == "__main__":
    main()
