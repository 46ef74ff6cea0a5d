"""The certificate authority: made once, kept to its owner, refused where it cannot be trusted."""

import ssl
import stat
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from detectors.errors import Error
from proxy.mitm.authority import Authority, save_upstream_roots


def pem(key, *certificates, password=None):
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    raw = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    return raw + b"".join(found.public_bytes(serialization.Encoding.PEM) for found in certificates)


def subject_of(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def certified(key, *, issuer=None, issuer_key=None, ca=True, start=-1, end=30, name="Company sub-authority"):
    subject = subject_of(name)
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
    )
    identifier = b"chosen " + (issuer or subject_of(name)).rfc4514_string().encode()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=start))
        .not_valid_after(now + timedelta(days=end))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False), True
        )
        .add_extension(x509.SubjectKeyIdentifier(b"chosen CN=" + name.encode()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(identifier, None, None), critical=False)
        .sign(issuer_key or key, hashes.SHA256())
    )


def kept(folder, raw, mode=0o600):
    folder.mkdir(exist_ok=True)
    (folder / "ca.pem").write_bytes(raw)
    (folder / "ca.pem").chmod(mode)
    return folder


def verified(folder, authority, leaf, trust):
    (folder / "leaf.pem").write_bytes(leaf.certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "trust.pem").write_bytes(trust.public_bytes(serialization.Encoding.PEM))
    chain = b"".join(found.public_bytes(serialization.Encoding.PEM) for found in authority.chain)
    (folder / "chain.pem").write_bytes(chain)
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", folder / "trust.pem"]
    command += ["-untrusted", folder / "chain.pem", folder / "leaf.pem"]
    return subprocess.run(command, capture_output=True).returncode == 0


def test_authority_is_made_once_for_its_owner_alone(tmp_path):
    first = Authority.open(tmp_path / "ca")
    assert stat.S_IMODE((tmp_path / "ca").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "ca" / "ca.pem").stat().st_mode) == 0o600
    assert Authority.open(tmp_path / "ca").fingerprint() == first.fingerprint()
    assert sorted(path.name for path in (tmp_path / "ca").iterdir()) == ["ca.pem"]
    assert "Lockgate" in first.certificate.subject.rfc4514_string()
    assert first.chain_file is None


def test_leaf_verifies_strictly_and_has_a_key_of_its_own(tmp_path):
    authority = Authority.open(tmp_path / "ca")
    leaf = authority.leaf(("provider.example", "127.0.0.1"))
    assert verified(tmp_path, authority, leaf, authority.certificate)
    assert leaf.certificate.public_key() != authority.certificate.public_key()
    names = leaf.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["provider.example"]
    assert [str(found) for found in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert authority.leaf(("provider.example", "127.0.0.1")) is leaf


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_company_sub_authority_signs_and_its_chain_goes_out(tmp_path, kind):
    root_key = ec.generate_private_key(ec.SECP256R1())
    root = certified(root_key, name="Company root")
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    own = certified(key, issuer=root.subject, issuer_key=root_key)
    authority = Authority.open(kept(tmp_path / "ca", pem(key, own)))
    assert authority.chain_file == tmp_path / "ca" / "ca.pem"
    assert verified(tmp_path, authority, authority.leaf(("provider.example",)), root)


def test_leaves_kept_in_memory_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("proxy.mitm.authority.LEAVES", 3)
    authority = Authority.open(tmp_path / "ca")
    first = authority.leaf(("0.example",))
    for number in (1, 2, 0, 3):
        authority.leaf((f"{number}.example",))
    assert authority.leaf(("0.example",)) is first
    assert len(authority._leaves) == 3


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (lambda key: pem(key, certified(key), password=b"word"), "encrypted"),
        (pem, "no certificate"),
        (lambda key: b"nothing", "no private key"),
        (lambda key: pem(key, certified(key, end=-0.5)), "expired"),
        (lambda key: pem(key, certified(key, start=1)), "not valid yet"),
        (lambda key: pem(key, certified(key, ca=False)), "may not sign"),
        (lambda key: pem(key, certified(ec.generate_private_key(ec.SECP256R1()))), "do not belong together"),
    ],
    ids=["encrypted", "bare key", "no key", "expired", "not yet", "no authority", "mismatch"],
)
def test_unusable_authority_is_refused_with_a_hint(tmp_path, raw, message):
    folder = kept(tmp_path / "ca", raw(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(Error, match=message) as caught:
        Authority.open(folder)
    assert str(folder) in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
def test_key_that_others_can_read_is_refused(tmp_path, mode):
    key = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(Error, match="open to others"):
        Authority.open(kept(tmp_path / "ca", pem(key, certified(key)), mode))


def test_export_holds_no_key_and_the_bundle_the_public_roots(tmp_path):
    authority = Authority.open(tmp_path / "ca")
    single, bundle = authority.save_exports()
    assert "PRIVATE" not in single.read_text() + bundle.read_text()
    assert single.read_text() == authority.export()
    context = ssl.create_default_context(cafile=str(bundle))
    assert len(context.get_ca_certs()) > 100
    own = authority.certificate.public_bytes(serialization.Encoding.DER)
    assert own in context.get_ca_certs(binary_form=True)


def test_upstream_roots_hold_the_public_ones_and_the_companys(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    extra = tmp_path / "extra.pem"
    extra.write_bytes(certified(key).public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(cafile=str(save_upstream_roots(tmp_path, extra)))
    own = x509.load_pem_x509_certificate(extra.read_bytes()).public_bytes(serialization.Encoding.DER)
    assert own in context.get_ca_certs(binary_form=True)
    assert len(context.get_ca_certs()) > 100
    with pytest.raises(Error, match="cannot be read"):
        save_upstream_roots(tmp_path, tmp_path / "missing.pem")
    extra.write_text("no certificate")
    with pytest.raises(Error, match="no certificate"):
        save_upstream_roots(tmp_path, extra)
