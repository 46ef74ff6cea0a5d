"""`lockgate users`: manage the local user file."""

import argparse
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from detectors.errors import Error
from proxy.cli.options import add_config, add_json, config_of, print_json, print_table

if TYPE_CHECKING:
    from proxy.identity.users import User

SHORTEST = 8


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|list|passwd|key|remove")
    listing = actions.add_parser("list", help="print the users, without hashes")
    add = actions.add_parser("add", help="add a user; the password is asked for, or read from standard input")
    add.add_argument(
        "--group", action="append", default=[], metavar="GROUP", help="a group of the user; may stand several times"
    )
    passwd = actions.add_parser("passwd", help="set a password")
    make_key = actions.add_parser("key", help="make a gateway key and print it once")
    remove = actions.add_parser("remove", help="remove a user")
    for action in (add, passwd, make_key, remove):
        action.add_argument("name", metavar="NAME", help="the user's name")
    for action in (listing, add, passwd, make_key, remove):
        action.add_argument("--file", type=Path, metavar="FILE", help="the user file (default: identity.users)")
        add_config(action)
        add_json(action)


def run(options: argparse.Namespace) -> int:
    """Do what was asked."""
    from proxy.identity import users as user_file

    path: Path | None = options.file or config_of(options).identity.users
    if path is None:
        raise Error("there is no user file", hint="name one with --file, or set identity.users in the configuration")
    users = user_file.load(path) if path.exists() else {}
    if options.action == "list":
        rows: list[dict[str, object]] = [
            {"name": u.name, "groups": ",".join(u.groups) or "-", "password": bool(u.password), "keys": len(u.keys)}
            for u in users.values()
        ]
        if options.json:
            print_json(rows)
        else:
            print_table([*rows])
        return 0
    said = _change(options, users)
    user_file.save(path, users)
    if options.json:
        print_json({"name": options.name, "file": str(path), **({"key": said} if said else {})})
    else:
        sys.stdout.write(f"{said}\n" if said else f"{options.name}: written to {path}\n")
    return 0


def _change(options: argparse.Namespace, users: dict[str, "User"]) -> str:
    from proxy.identity import users as user_file
    from proxy.identity.users import User

    name = options.name
    if options.action == "add":
        if name in users:
            raise Error(f"{name} is there already", hint="set a new password with `lockgate users passwd`")
        users[name] = User(name=name, password=_password(), groups=tuple(options.group))
        return ""
    if name not in users:
        raise Error(f"there is no user {name}", hint="add one with `lockgate users add`")
    if options.action == "remove":
        del users[name]
        return ""
    if options.action == "passwd":
        users[name] = users[name].model_copy(update={"password": _password()})
        return ""
    made = user_file.new_key()
    users[name] = users[name].model_copy(update={"keys": (*users[name].keys, user_file.key_hash(made))})
    return made


def _password() -> str:
    from proxy.identity import users as user_file

    given = getpass.getpass("password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if len(given) < SHORTEST:
        raise Error(f"the password is shorter than {SHORTEST} characters", hint="choose a longer one")
    return user_file.hasher().hash(given)
