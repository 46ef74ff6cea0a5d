"""`lockgate env`: the exports that point clients at a gate."""

import argparse
import shlex
import sys

from proxy.cli.options import add_config, add_json, config_of, print_json


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config(parser)
    add_json(parser)
    parser.add_argument("--unset", action="store_true", help="print what takes the exports back")


def run(options: argparse.Namespace) -> int:
    """Print the exports of the running gate, or of the configured ports where none runs."""
    from proxy.running import exports, found, planned
    from proxy.wiring import catalogue_of

    config = config_of(options)
    running = found(config)
    if running is None:
        sys.stderr.write("lockgate env: no gate runs with this state_dir; these are the configured ports\n")
    gateways = {provider: prefix for prefix, provider in catalogue_of(config).gateways().items()}
    variables = exports(running or planned(config), gateways)
    if options.json:
        print_json(variables)
        return 0
    for name, value in variables.items():
        sys.stdout.write(f"unset {name}\n" if options.unset else f"export {name}={shlex.quote(value)}\n")
    return 0
