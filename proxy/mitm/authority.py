"""The certificate authority whose leaves clients of intercepted hosts see."""

import ipaddress
import os
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from detectors.errors import Error

CA_FILE = "ca.pem"
CERTIFICATE_FILE = "ca-cert.pem"
BUNDLE_FILE = "bundle.pem"
CA_LIFETIME = timedelta(days=5 * 365)
LEAF_LIFETIME = timedelta(days=30)  # browsers accept at most 398 days (CA/Browser Forum, baseline requirements 6.3.2)
LEAF_RENEWAL = timedelta(days=7)
CLOCK_SKEW = timedelta(days=1)
LEAVES = 2_000  # kept in memory, least recently used go first
COMMON_NAME_LIMIT = 64  # RFC 5280, ub-common-name

type SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate for a host, with a key of this process: the authority's own key signs certificates only."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    renewal: datetime


class Authority:
    """The authority kept in a folder: its key, its certificate, and the certificates above it."""

    def __init__(self, path: Path, key: SigningKey, chain: tuple[x509.Certificate, ...]) -> None:
        self.path = path
        self.certificate = chain[0]
        self.chain = chain
        self._key = key
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._leaves: OrderedDict[tuple[str, ...], Leaf] = OrderedDict()

    @classmethod
    def open(cls, folder: Path) -> "Authority":
        """Return the authority of a folder, made there on first use; a company's own sub-authority may stand there.

        `ca.pem` holds the key, its certificate, and the certificates above it, in this order.
        """
        path = folder / CA_FILE
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                folder.chmod(0o700)
                _create(folder, path)
            return cls._load(path)
        except OSError as error:
            raise Error(
                f"{path}: cannot be read or written ({error.strerror})",
                hint="make state_dir writable for the user that runs lockgate",
            ) from None

    @classmethod
    def _load(cls, path: Path) -> "Authority":
        if path.stat().st_mode & 0o037:
            raise Error(f"{path}: the authority's key is open to others", hint=f"chmod 600 {path}")
        raw = path.read_bytes()
        key, chain = _signing_key(path, raw), _certificates(path, raw)
        _check(path, key, chain[0])
        return cls(path, key, chain)

    @property
    def expires(self) -> datetime:
        """Return when the authority's certificate ends."""
        return self.certificate.not_valid_after_utc

    @property
    def chain_file(self) -> Path | None:
        """Return the file whose certificates go out beside a leaf; None where clients know the authority as a root."""
        return None if len(self.chain) == 1 and self.certificate.issuer == self.certificate.subject else self.path

    def fingerprint(self) -> str:
        """Return the certificate's SHA-256 fingerprint as browsers show it."""
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    def export(self, *, bundle: bool = False) -> str:
        """Return the certificate as PEM, without the key; with `bundle`, the public roots before it."""
        own = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        return f"{public_roots()}\n{own}" if bundle else own

    def save_exports(self) -> tuple[Path, Path]:
        """Write the certificate and the bundle beside the key, and return their paths."""
        paths = self.path.with_name(CERTIFICATE_FILE), self.path.with_name(BUNDLE_FILE)
        for path, text in zip(paths, (self.export(), self.export(bundle=True)), strict=True):
            if not path.exists() or path.read_text() != text:
                _replace(path, text.encode(), 0o644)
        return paths

    def leaf(self, names: tuple[str, ...]) -> Leaf:
        """Return a certificate for these DNS names and IP addresses, the first of them its subject."""
        now = datetime.now(UTC)
        found = self._leaves.get(names)
        if found is not None and found.renewal > now:
            self._leaves.move_to_end(names)
            return found
        made = self._leaves[names] = self._issue(names, now)
        self._leaves.move_to_end(names)
        if len(self._leaves) > LEAVES:
            self._leaves.popitem(last=False)
        return made

    def _issue(self, names: tuple[str, ...], now: datetime) -> Leaf:
        common = [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names[:1] if len(name) <= COMMON_NAME_LIMIT]
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(common))
            .issuer_name(self.certificate.subject)
            .public_key(self._leaf_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(max(now - CLOCK_SKEW, self.certificate.not_valid_before_utc))
            .not_valid_after(min(now + LEAF_LIFETIME, self.expires))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(_general(name) for name in names), critical=not common)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(_authority_identifier(self.certificate), critical=False)
        )
        return Leaf(builder.sign(self._key, _digest(self._key)), self._leaf_key, now + LEAF_RENEWAL)


def public_roots() -> str:
    """Return the public root certificates as PEM."""
    return Path(certifi.where()).read_text(encoding="utf-8").rstrip("\n")


def save_upstream_roots(folder: Path, extra: Path | None) -> Path:
    """Write the roots that providers are checked against, the public ones and a company's own, and return the path."""
    text = public_roots()
    if extra is not None:
        try:
            own = extra.read_bytes()
            x509.load_pem_x509_certificates(own)
        except OSError as error:
            raise Error(f"{extra}: cannot be read ({error.strerror})", hint="upstream_ca names a PEM file") from None
        except ValueError:
            raise Error(f"{extra}: holds no certificate", hint="upstream_ca names a PEM file of certificates") from None
        text = f"{text}\n{own.decode(errors='replace')}"
    path = folder / "upstream-roots.pem"
    if not path.exists() or path.read_text() != text:
        _replace(path, text.encode(), 0o600)
    return path


def _create(folder: Path, path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    now, serial = datetime.now(UTC), x509.random_serial_number()
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lockgate"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Lockgate egress authority {serial % 2**32:08x}"),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    _replace(path, pem, 0o600, keep=True)


def _replace(path: Path, data: bytes, mode: int, *, keep: bool = False) -> None:
    """Write a file whole or not at all; with `keep`, the first of several processes to come wins."""
    handle, name = tempfile.mkstemp(dir=path.parent)  # mode 600 from the first byte on
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        if keep:
            try:
                path.hardlink_to(temporary)
            except FileExistsError:
                return
        else:
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _signing_key(path: Path, raw: bytes) -> SigningKey:
    try:
        key = serialization.load_pem_private_key(raw, None)
    except TypeError:
        raise Error(
            f"{path}: the key is encrypted", hint="store it decrypted, mode 600: openssl pkey -in KEY -out ca.pem"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise Error(f"{path}: holds no private key", hint="key first, then its certificate, as PEM") from None
    if isinstance(
        key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
    ):
        return key
    raise Error(f"{path}: a key of this kind cannot sign", hint="use an RSA or elliptic curve key")


def _certificates(path: Path, raw: bytes) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(raw))
    except ValueError:
        raise Error(f"{path}: holds no certificate", hint="append the authority's certificate to its key") from None


def _check(path: Path, key: SigningKey, certificate: x509.Certificate) -> None:
    if certificate.public_key() != key.public_key():
        raise Error(f"{path}: key and first certificate do not belong together", hint="the authority's own comes first")
    now = datetime.now(UTC)
    if certificate.not_valid_after_utc <= now:
        raise Error(
            f"{path}: the authority expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
            hint="move it away and start again, then hand the new certificate out: lockgate ca export",
        )
    if certificate.not_valid_before_utc > now:
        raise Error(f"{path}: the authority is not valid yet", hint="check this machine's clock")
    try:
        is_ca = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_ca = False
    if not is_ca:
        raise Error(f"{path}: the certificate may not sign others", hint="it needs the basic constraint CA:TRUE")


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name if name.isascii() else name.encode("idna").decode())


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_identifier(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:  # RFC 5280 4.2.1.2: byte-equal to the issuer's own, which need not be a SHA-1 of the key
        own = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
    except x509.ExtensionNotFound:
        key = authority.public_key()
        assert isinstance(
            key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
        )
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def _digest(key: SigningKey) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) else hashes.SHA256()
