"""`lockgate ca`: make or export the certificate authority."""

import argparse
import sys
from pathlib import Path

from proxy.cli.options import add_config, add_json, config_of, print_json, print_pairs
from proxy.state import prepared

EXPORTS = "the public roots and ours in one file, for SSL_CERT_FILE and REQUESTS_CA_BUNDLE"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `init` and `export`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="init|export")
    init = actions.add_parser("init", help="make the authority where there is none, and show its fingerprint")
    export = actions.add_parser("export", help="print the certificate")
    export.add_argument("--bundle", action="store_true", help=EXPORTS)
    export.add_argument("--out", type=Path, metavar="FILE", help="write to a file instead of standard output")
    for action in (init, export):
        add_config(action)
        add_json(action)


def run(options: argparse.Namespace) -> int:
    """Make or export."""
    from proxy.mitm.authority import Authority

    authority = Authority.open(prepared(config_of(options).state_dir) / "ca")
    certificate, bundle = authority.save_exports()
    if options.action == "init" or options.json:
        about = {
            "fingerprint": authority.fingerprint(),
            "expires": authority.expires.date().isoformat(),
            "certificate": str(certificate),
            "bundle": str(bundle),
        }
        if options.json:
            print_json(about)
        else:
            print_pairs(about)
        return 0
    text = authority.export(bundle=options.bundle)
    if options.out:
        options.out.write_text(text, encoding="ascii")
    else:
        sys.stdout.write(text)
    return 0
