"""TLS on both sides: leaves of our own authority for clients, verified certificates of providers."""

import ipaddress
from pathlib import Path
from typing import Any

from cryptography import x509
from mitmproxy import certs
from mitmproxy.addonmanager import Loader
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.connection import Server
from mitmproxy.net import tls as net_tls
from mitmproxy.proxy.context import Context
from mitmproxy.tls import TlsData
from OpenSSL import SSL, crypto

from proxy.mitm.authority import Authority
from proxy.mitm.client import Client

_PREFERRED = (b"http/1.1", b"h2")


class Certificates(TlsConfig):
    """mitmproxy's TLS settings with our authority; it takes no part in HTTP hooks."""

    # Hooks of the base class that are ours to answer, or that would answer requests past the gate.
    request = None  # type: ignore[assignment]  # a hook that is not there is not called
    tls_clienthello = None  # type: ignore[assignment]  # a hook that is not there is not called
    quic_start_client = None  # type: ignore[assignment]  # a hook that is not there is not called
    quic_start_server = None  # type: ignore[assignment]  # a hook that is not there is not called
    running = None  # type: ignore[assignment]  # a hook that is not there is not called

    def __init__(self, authority: Authority, clients: dict[str, Client]) -> None:
        self.authority = authority
        self.clients = clients
        self.certstore = _NoStore()  # type: ignore[assignment]  # only what the base class reads of it

    def load(self, loader: Loader) -> None:
        """Declare the options that mitmproxy's layers read; the add-on that owns most of them is not loaded."""
        super().load(loader)
        Proxyserver().load(loader)

    def configure(self, updated: set[str]) -> None:
        """Leave files alone: the authority is opened before."""

    def get_cert(self, conn_context: Context) -> certs.CertStoreEntry:
        """Return the leaf for the name a client asked for and the host it dialled."""
        address = conn_context.server.address
        named = (conn_context.client.sni, address[0] if address else None)
        names = tuple(dict.fromkeys(name.lower() for name in named if name))
        leaf = self.authority.leaf(names or (conn_context.client.sockname[0],))
        key: Any = leaf.key  # annotated as RSA there, used as any key of pyOpenSSL
        return certs.CertStoreEntry(certs.Cert(leaf.certificate), key, self.authority.chain_file, [])

    def tls_start_client(self, tls_start: TlsData) -> None:
        """Speak what the provider speaks; where that is unknown or it did not say, HTTP/1.1 before HTTP/2.

        HTTP/2 towards an HTTP/1 provider costs a connection a request.
        """
        client = tls_start.context.client
        if client.alpn is None and not tls_start.context.server.alpn:
            client.alpn = next((known for known in _PREFERRED if known in client.alpn_offers), None)
        super().tls_start_client(tls_start)

    def tls_start_server(self, tls_start: TlsData) -> None:
        """Offer the provider's name and check its certificate against it, whatever name the client gave.

        Where `upstreams` leads elsewhere, a certificate for that relay's own name is as good: the operator named both.
        """
        assert isinstance(tls_start.conn, Server)
        address = tls_start.conn.address
        assert address
        tls_start.conn.sni = address[0]
        super().tls_start_server(tls_start)
        client = self.clients.get(tls_start.context.client.id)
        dial = client.dials.get((address[0], address[1])) if client is not None else None
        connection = tls_start.ssl_conn
        if dial is not None and dial[0] != address[0] and connection is not None:
            library, nothing = SSL._lib, SSL._ffi.NULL  # type: ignore[attr-defined]  # pyOpenSSL has no public way
            parameters = library.SSL_get0_param(connection._ssl)
            library.X509_VERIFY_PARAM_set1_host(parameters, nothing, 0)
            connection.set_verify(SSL.VERIFY_PEER, _Names(frozenset({address[0].lower(), dial[0].lower()})))


class _NoStore:
    """What the base class reads of its certificate store."""

    dhparams = None  # finite-field key exchange is not offered; ECDHE is


class _Names:
    """A verification callback that accepts a leaf for any of these names, beside all that OpenSSL checks."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def __call__(self, connection: SSL.Connection, certificate: crypto.X509, error: int, depth: int, ok: int) -> bool:
        if not ok:
            return False
        return depth > 0 or any(_covers(certificate.to_cryptography(), name) for name in self._names)


def _covers(certificate: x509.Certificate, name: str) -> bool:
    """Say whether a certificate is for a name (RFC 9525 section 6.3: one wildcard, as the whole leftmost label)."""
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    try:
        return ipaddress.ip_address(name) in alternatives.get_values_for_type(x509.IPAddress)
    except ValueError:
        parent = name.partition(".")[2]
        allowed = {name, f"*.{parent}"} if "." in parent else {name}
        return any(known.lower() in allowed for known in alternatives.get_values_for_type(x509.DNSName))


def forget_contexts() -> None:
    """Drop the TLS contexts that mitmproxy caches by the path of their root file, which may have been rewritten."""
    net_tls.create_proxy_server_context.cache_clear()


def tls_options(roots: Path) -> dict[str, object]:
    """Return the options of mitmproxy that concern TLS."""
    return {
        "ssl_insecure": False,
        "ssl_verify_upstream_trusted_ca": str(roots),
        "upstream_cert": False,  # a leaf names what the client asked for, not what a provider's certificate adds
        "tls_version_client_min": net_tls.Version.TLS1_2.name,
        "tls_version_server_min": net_tls.Version.TLS1_2.name,
    }
