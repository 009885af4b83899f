"""Tokens that are refused, whatever they claim; and those of the 2019 system."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from google.rpc import status_pb2
from jwt.utils import base64url_encode

from pingregistrywf import open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.service.grpc.auth.authenticator import RoleAuthenticator
from pingregistrywf.service.grpc.auth.caller import Caller
from pingregistrywf.service.grpc.auth.file import read_auth_file
from pingregistrywf.service.grpc.auth.keys import AuthFileError
from pingregistrywf.service.grpc.refusal import CallRefusedError

from .serving import refused, serving
from .tokens import ISSUER, NOW, Signer2019, authenticator, claims, pem, token

RSA: Final = rsa.generate_private_key(65537, 2048)
SMALL: Final = rsa.generate_private_key(65537, 1024)
P256: Final = ec.generate_private_key(ec.SECP256R1())
PRIVATE: Final = {"RS256": RSA, "ES256": P256, "EdDSA": ISSUER}
STRANGER: Final = ed25519.Ed25519PrivateKey.generate()


class Shown:
    """A call as far as it shows who makes it."""

    def __init__(self, *authorization: str) -> None:
        self._authorization = authorization

    def invocation_metadata(self) -> list[tuple[str, str | bytes]]:
        return [("user-agent", "x"), *(("authorization", each) for each in self._authorization)]

    def auth_context(self) -> Mapping[str, list[bytes]]:
        return {}


def caller(checked: RoleAuthenticator, *authorization: str) -> Caller:
    return checked.caller(Shown(*authorization))


def why(checked: RoleAuthenticator, *authorization: str) -> str:
    """Why a call is refused."""
    with pytest.raises(CallRefusedError) as caught:
        caller(checked, *authorization)
    assert caught.value.status == "UNAUTHENTICATED"
    return str(caught.value)


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> RoleAuthenticator:
    """What takes tokens by a key of each algorithm, one of them from a JWKS file."""
    place = tmp_path_factory.mktemp("keys")
    for name in ("RS256", "EdDSA"):
        (place / f"{name}.pem").write_bytes(pem(PRIVATE[name]))
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(P256.public_key()))
    keys = [jwk | {"kid": "first", "use": "sig", "alg": "ES256"}, jwk | {"use": "enc"}]
    (place / "keys.json").write_text(json.dumps({"keys": keys}))
    return authenticator(place, "tokens: {keys: [RS256.pem, EdDSA.pem, keys.json]}")


@pytest.mark.parametrize("algorithm", PRIVATE)
def test_tokens_of_each_algorithm(algorithm: str, every: RoleAuthenticator) -> None:
    signed = jwt.encode(claims(roles={"admin": ["reg"]}), PRIVATE[algorithm], algorithm)
    for shown in (signed, f"Bearer {signed}", f"bearer  {signed} "):
        found = caller(every, shown)
        assert found.name == "me"
        assert found.roles == {"admin": frozenset({"reg"})}
        assert found.until == NOW + 60 + 30


def unsigned(said: dict[str, Any], header: dict[str, Any]) -> str:
    parts = (base64url_encode(json.dumps(each).encode()).decode() for each in (header, said))
    return ".".join((*parts, ""))


def swapped() -> str:
    """A token whose HMAC secret is the public RSA key, as everybody can read it."""
    unsafe = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    head = unsigned(claims(), {"alg": "HS256", "typ": "JWT"})[:-1]
    return f"{head}.{base64url_encode(unsafe.sign(head.encode(), pem(RSA))).decode()}"


def named(value: str) -> str:
    """The name of a case; tokens are different in every process."""
    return "token" if "." in value else value


EDDSA = jwt.encode(claims(), ISSUER, "EdDSA")
HEAD, BODY, SIGNATURE = EDDSA.split(".")


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (jwt.encode(claims(exp=NOW - 30), ISSUER, "EdDSA"), "the token has expired"),
        (jwt.encode(claims(nbf=NOW + 31), ISSUER, "EdDSA"), "not yet valid"),
        (jwt.encode(claims(iat=NOW + 31), ISSUER, "EdDSA"), "not yet valid"),
        (jwt.encode(claims(exp=None), ISSUER, "EdDSA"), "no exp"),
        (jwt.encode(claims(aud=None), ISSUER, "EdDSA"), "no aud"),
        (jwt.encode(claims(sub=None), ISSUER, "EdDSA"), "no sub"),
        (jwt.encode(claims(sub=""), ISSUER, "EdDSA"), "no sub"),
        (jwt.encode(claims(aud="fso"), ISSUER, "EdDSA"), "for another audience"),
        (jwt.encode(claims(aud=["a", "b"]), ISSUER, "EdDSA"), "for another audience"),
        (jwt.encode(claims(roles=None), ISSUER, "EdDSA"), "roles of the token"),
        (jwt.encode(claims(roles=["admin"]), ISSUER, "EdDSA"), "roles of the token"),
        (jwt.encode(claims(roles={"admin": "*"}), ISSUER, "EdDSA"), "roles of the token"),
        (jwt.encode(claims(roles={"admin": [1]}), ISSUER, "EdDSA"), "roles of the token"),
        (jwt.encode(claims(exp=10**400), ISSUER, "EdDSA"), "exp of the token is no time"),
        (jwt.encode(claims(nbf=True), ISSUER, "EdDSA"), "nbf of the token is no time"),
        (jwt.encode(claims(), STRANGER, "EdDSA"), "not signed with a key"),
        (jwt.encode(claims(), P256, "ES256", {"kid": "second"}), "not signed with a key"),
        (jwt.encode(claims(), RSA, "PS256"), "not signed with a key"),
        (unsigned(claims(), {"alg": "none"}), "not signed with a key"),
        (unsigned(claims(), {"alg": "None"}), "not signed with a key"),
        (unsigned(claims(), {"alg": "EdDSA"}), "not signed with a key"),
        (unsigned(claims(), {"alg": ["EdDSA"]}), ""),
        (swapped(), "not signed with a key"),
        (f"{HEAD}.{BODY}.{SIGNATURE[:-2]}", "not signed with a key"),
        (f"{HEAD}.{BODY[:-4]}.{SIGNATURE}", "no"),
        (f"{HEAD}.{BODY}", "no token"),
        (EDDSA[:20], "no token"),
        (f"{HEAD[:-2]}.{BODY}.{SIGNATURE}", ""),
        ("", "no token"),
        ("Bearer", "no token"),
        ("Basic bWU6bWU=", "no token"),
        ("...", "no token"),
        (base64url_encode(b"[" * 9000).decode() + ".e.e", "no token"),
        (jwt.encode(claims(), ISSUER, "EdDSA", {"x5c": "e30="}), "not taken here"),
    ],
    ids=named,
)  # fmt: skip
def test_a_token_that_is_refused(shown: str, told: str, every: RoleAuthenticator) -> None:
    assert told in why(every, f"Bearer {shown}")
    assert told in why(every, shown)


def test_no_token_and_two(every: RoleAuthenticator) -> None:
    assert "there is no token" in why(every)
    assert "more than once" in why(every, EDDSA, EDDSA)


def test_the_skew_and_the_issuer_are_those_of_the_file(tmp_path: Path) -> None:
    text = "{tokens: {keys: [issuer.pem], audience: me, issuer: us}, clock_skew: 0}"
    checked = authenticator(tmp_path, text)

    def signed(**further: Any) -> str:
        return jwt.encode(claims(**({"iss": "us", "aud": "me"} | further)), ISSUER, "EdDSA")

    assert caller(checked, signed(exp=NOW + 1, nbf=NOW)).until == NOW + 1
    assert "expired" in why(checked, signed(exp=NOW))
    assert "not yet valid" in why(checked, signed(nbf=NOW + 1))
    assert "not issued by us" in why(checked, signed(iss="them"))
    assert "no iss" in why(checked, signed(iss=None))


# --- Tokens of the 2019 system --------------------------------------------------------------------

SIGNER: Final = Signer2019()


@pytest.fixture(scope="module")
def of_2019(tmp_path_factory: pytest.TempPathFactory) -> RoleAuthenticator:
    place = tmp_path_factory.mktemp("ca")
    (place / "ca.pem").write_bytes(SIGNER.ca.public_bytes(Encoding.PEM))
    return authenticator(place, "tokens_of_2019: {ca: [ca.pem]}")


@pytest.mark.parametrize(
    ("scopes", "roles"),
    [
        ([{"aa": ["fag"], "n": ["reg"]}], {"admin": {"reg"}}),
        ([{"aa": ["fcpr"], "n": ["reg"]}], {"server": {"reg"}, "gatherer": {"reg"}}),
        ([{"aa": ["fag"], "n": ["reg", "a.*"]}], {"admin": {"reg", "a.*"}}),
        ([{"aa": ["frg", "fag"], "n": ["reg"]}], {"reader": {"reg"}, "admin": {"reg"}}),
        ([{"aa": ["br"], "n": ["allaggsig"]}], {"listener": {"*"}}),
        ([{"aa": ["br"], "n": ["reg"]}], {}),
        ([{"aa": ["b*"], "n": ["all*"], "p": ["/x"]}], {"listener": {"*"}}),
        ([{"aa": ["frg"], "p": ["/x"]}], {"reader": set()}),
        ([{"aa": ["fr"], "n": ["reg"]}, {"aa": [], "n": ["reg"]}], {}),
        ([{"aa": ["fag"], "n": ["a"]}, {"aa": ["fag"], "n": ["b"]}], {"admin": {"a", "b"}}),
        ([], {}),
    ],
)  # fmt: skip
def test_scopes(scopes: object, roles: dict[str, set[str]], of_2019: RoleAuthenticator) -> None:
    found = caller(of_2019, SIGNER.token(scopes))
    assert found.name == "nog"
    assert found.roles == roles


def test_everything_in_one_scope(of_2019: RoleAuthenticator) -> None:
    found = caller(of_2019, SIGNER.token([{"aa": ["*"], "n": ["*"]}]))
    assert found.roles == dict.fromkeys(SERVICE.roles, frozenset("*"))


READS: Final = [{"aa": ["frg"], "n": ["*"]}]


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (SIGNER.token(READS, exp=NOW - 31), "expired"),
        (SIGNER.token(READS, aud=["other"]), "for another audience"),
        (SIGNER.token(READS, iss="me"), "not issued by nogapp"),
        (SIGNER.token(READS, key=RSA), "not signed with its certificate's key"),
        (SIGNER.token(READS, key=ISSUER, algorithm="EdDSA"), "not signed by RS256"),
        (SIGNER.token(READS, algorithm="RS512"), "not signed by RS256"),
        (SIGNER.token(READS, SIGNER.certified("other")), "not one that signs tokens"),
        (SIGNER.token(READS, SIGNER.certified()), "not one that signs tokens"),
        (SIGNER.token(READS, SIGNER.certified("nogfsoiam", "other")), "not one that signs tokens"),
        (SIGNER.token(READS, SIGNER.certified("nogfsoiam", signs=False)), "not one that signs"),
        (SIGNER.token(READS, SIGNER.certified("nogfsoiam", until=NOW - 1)), "not valid at this"),
        (SIGNER.token(READS, Signer2019().certificate), "not of a CA"),
        (SIGNER.token("frg"), "no list of scopes"),
        (SIGNER.token(["frg"]), "no list of scopes"),
        (SIGNER.token([{"aa": "frg"}]), "no list of scopes"),
        (SIGNER.token(None), "no list of scopes"),
        (jwt.encode(claims(), ISSUER, "EdDSA"), "not taken here"),
        (jwt.encode(claims(), RSA, "RS256", {"x5c": "AAAA"}), "no certificate for signatures"),
        (jwt.encode(claims(), RSA, "RS256", {"x5c": "?"}), "no certificate for signatures"),
        (jwt.encode(claims(), RSA, "RS256", {"x5c": ["AAAA"]}), "no certificate for signatures"),
    ],
    ids=named,
)
def test_a_token_of_2019_that_is_refused(shown: str, told: str, of_2019: RoleAuthenticator) -> None:
    assert told in why(of_2019, shown)


# --- Over the wire --------------------------------------------------------------------------------


def test_nothing_is_written_for_a_token_that_is_refused(tmp_path: Path) -> None:
    workflow = UUID(int=7).bytes

    async def session() -> None:
        with open_journal("memory:") as journal:
            checked = authenticator(tmp_path)
            async with serving(SERVICE, journal, authenticator=checked) as (client, _):
                for shown in (None, "a.b.c", swapped(), EDDSA[:-3], "Bearer x" * 800):
                    client.token = shown
                    begun = client("BeginPingRegistry", registry="reg", workflow=workflow)
                    answer = await refused(begun)
                    assert (answer.code, answer.details["code"]) == (
                        "UNAUTHENTICATED",
                        "UNAUTHENTICATED",
                    )
                assert not [*journal.scan()]
                client.token = f"Bearer {token(admin=['reg'])}"
                await client("BeginPingRegistry", registry="reg", workflow=workflow)

    asyncio.run(session())


def test_who_shows_no_token_is_told_which_scope_is_needed(tmp_path: Path) -> None:
    async def session() -> None:
        with open_journal("memory:") as journal:
            checked = authenticator(tmp_path)
            async with serving(SERVICE, journal, authenticator=checked) as (client, _):
                for name, fields, expected in (
                    ("BeginPingRegistry", {"registry": "reg"}, ("fso/admin-registry", "reg")),
                    ("RegistryWorkflowEvents", {"registry": "x"}, ("fso/read-registry", "x")),
                    ("ServerPing", {}, ("fso/exec-ping-registry", "")),
                    ("AggregateSignals", {}, ("bc/read", "allaggsig")),
                ):
                    with pytest.raises(grpc.aio.AioRpcError) as caught:
                        await client.all(name, **fields)
                    told = dict(
                        iter(caught.value.trailing_metadata() or ())
                    )  # pairs, of any grpcio
                    details = status_pb2.Status.FromString(told["grpc-status-details-bin"]).details
                    needed = client.calls.messages._class("AuthRequiredScope")()
                    assert details[1].Unpack(needed)
                    assert (needed.action, needed.name) == expected
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await client("BeginPingRegistry", b"\xff")
                assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED

    asyncio.run(session())


# --- The file -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "lets nobody in: add tokens, tokens_of_2019 or certificates"),
        ("{", "is no YAML"),
        ("clock_skew: 2020-13-45", "is no YAML"),
        ("[]", "the file: "),
        ("tokns: {}", "tokns: Extra inputs are not permitted; there are tokens, tokens_of_2019"),
        ("tokens: {keys: []}", "tokens.keys: "),
        ("tokens: {keys: [empty.pem]}", "empty.pem holds no public key"),
        ("tokens: {keys: [private.pem]}", "private.pem: it holds a private key"),
        ("tokens: {keys: [short.pem]}", "short.pem: an RSA key has 2048 bits or more"),
        ("tokens: {keys: [p384.pem]}", "p384.pem: the key is neither RSA nor P-256 nor Ed25519"),
        ("tokens: {keys: [secret.json]}", "secret.json: it holds a secret key"),
        ("tokens: {keys: [other.json]}", "the algorithm RS512 is not taken"),
        ("tokens_of_2019: {ca: [issuer.pem]}", "issuer.pem holds no certificate"),
        ("certificates: [{roles: {admin: [reg]}}]", "certificates.1: write one of dns, uri, "),
        ("certificates: [{dns: a, ip: b, roles: {admin: [reg]}}]", "certificates.1: write one of"),
        ("certificates: [{dns: a, roles: {boss: [reg]}}]", "there is no role boss; write admin, "),
        ("certificates: [{dns: a, roles: {admin: []}}]", "certificates.1.roles.admin: "),
        ("{certificates: [], clock_skew: -1}", "clock_skew: "),
    ],
)  # fmt: skip
def test_mistakes_in_the_file(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "private.pem").write_text(
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    )
    (tmp_path / "short.pem").write_bytes(pem(SMALL))
    (tmp_path / "p384.pem").write_bytes(pem(ec.generate_private_key(ec.SECP384R1())))
    secret = {"kty": "oct", "k": base64.b64encode(bytes(32)).decode(), "alg": "HS256"}
    (tmp_path / "secret.json").write_text(json.dumps({"keys": [secret]}))
    other = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key())) | {"alg": "RS512"}
    (tmp_path / "other.json").write_text(json.dumps({"keys": [other]}))
    (tmp_path / "issuer.pem").write_bytes(pem(ISSUER))
    (tmp_path / "auth.yaml").write_text(text)
    with pytest.raises(AuthFileError) as caught:
        read_auth_file(tmp_path / "auth.yaml", SERVICE.roles)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
