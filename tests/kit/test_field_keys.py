"""Keys of encrypted fields turn: what an older key made is read, encrypted anew, and afterwards needs it no more."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from mongoengine import BinaryField, DictField, Document, EmbeddedDocument, EmbeddedDocumentListField, StringField

import services
from kit import crypto, mongo
from kit.config import settings
from kit.reseal import BATCH, Sealed, reseal
from tests.conftest import opened


def use(monkeypatch: pytest.MonkeyPatch, key: str, *old: str) -> None:
    monkeypatch.setattr(settings(), "field_key", key)
    monkeypatch.setattr(settings(), "field_keys_old", ",".join(old))


def test_a_new_key_encrypts_and_an_old_one_only_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "first")
    old = crypto.encrypt("users.phone", "+84912345678")
    use(monkeypatch, "second", "first")
    new = crypto.encrypt("users.phone", "+84912345678")
    assert crypto.decrypt("users.phone", old) == crypto.decrypt("users.phone", new) == "+84912345678"
    assert (crypto.is_current(old), crypto.is_current(new)) == (False, True)
    again = crypto.reencrypt("users.phone", old)
    assert crypto.is_current(again)
    assert crypto.reencrypt("users.phone", again) is again
    use(monkeypatch, "second")
    assert crypto.decrypt("users.phone", again) == "+84912345678"
    with pytest.raises(InvalidTag):
        crypto.decrypt("users.phone", old)


def test_a_value_belongs_to_its_owner_and_its_field() -> None:
    data = crypto.encrypt("users.phone", "+84912345678", "usr_1")
    assert crypto.decrypt("users.phone", data, "usr_1") == "+84912345678"
    for field, owner in (("users.phone", "usr_2"), ("users.phone", ""), ("users.name", "usr_1")):
        with pytest.raises(InvalidTag):
            crypto.decrypt(field, data, owner)


def test_a_value_of_before_keys_had_ids_is_read_whoever_owns_it(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "second", "first")
    key = crypto._key("field", "first")
    data = b"n" * 12 + AESGCM(key).encrypt(b"n" * 12, b"019185000001", b"people.national_id")
    assert crypto.decrypt("people.national_id", data, "per_1") == "019185000001"
    assert crypto.decrypt("people.national_id", crypto.reencrypt("people.national_id", data, "per_1"), "per_1")


@given(st.binary(max_size=60))
def test_what_no_key_made_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidTag):
        crypto.decrypt("users.phone", data)


@given(st.data())
def test_a_single_changed_bit_is_noticed(data: st.DataObject) -> None:
    sealed = bytearray(crypto.encrypt("users.phone", "+84912345678", "usr_1"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidTag):
        crypto.decrypt("users.phone", bytes(sealed), "usr_1")


class _Key(EmbeddedDocument):
    kid = StringField()
    secret = BinaryField()


class Sample(Document):
    id = StringField(primary_key=True)
    phone = BinaryField()
    keys = EmbeddedDocumentListField(_Key)
    more = DictField()

    meta: ClassVar = {"collection": "samples", "auto_create_index": False}


PHONE = Sealed(Sample, "phone", "samples.phone", owned=True)
SECRET = Sealed(Sample, "keys.secret", "samples.secret")


@pytest.fixture
def samples(mongo_uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """More than one batch, encrypted under "first"; the key is "second" now."""
    with opened(lambda: mongo.open_store("kit_reseal", (Sample,)), mongo_uri):
        Sample.objects.delete()
        use(monkeypatch, "first")
        count = BATCH + 3
        Sample.objects.insert([
            Sample(
                id=f"smp_{n}", phone=crypto.encrypt("samples.phone", f"+8490000{n:04}", f"smp_{n}"),
                keys=[_Key(kid="a", secret=crypto.encrypt("samples.secret", "s")), _Key(kid="b")],
            )
            for n in range(count)
        ])  # fmt: skip
        use(monkeypatch, "second", "first")
        yield count


def test_after_a_pass_the_old_key_is_needed_no_more_and_the_next_finds_nothing(
    samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    first = reseal(PHONE, told.append)
    assert (first.seen, first.done, first.missed) == (samples, samples, 0)
    assert told == [BATCH, samples]
    assert reseal(SECRET).done == samples
    assert [reseal(one).done for one in (PHONE, SECRET)] == [0, 0]
    use(monkeypatch, "second")
    stored = Sample.objects.get(id="smp_202")
    assert crypto.decrypt("samples.phone", stored.phone, "smp_202") == "+84900000202"
    assert [(key.kid, key.secret and crypto.decrypt("samples.secret", key.secret)) for key in stored.keys] == [
        ("a", "s"), ("b", None),
    ]  # fmt: skip


def test_a_pass_that_is_cut_short_goes_on_where_it_was(samples: int) -> None:
    class Killed(Exception):
        pass

    def kill(_: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        reseal(PHONE, kill)
    assert reseal(PHONE).done == samples - BATCH


def test_what_is_changed_meanwhile_is_left_alone_and_counted(samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = crypto.encrypt("samples.phone", "+84911111111", "smp_0")
    real = crypto.reencrypt

    def overtaken(field: str, data: bytes, owner: str = "") -> bytes:
        if owner == "smp_0":
            Sample.objects(id="smp_0").update_one(set__phone=newest)
        return real(field, data, owner)

    monkeypatch.setattr(crypto, "reencrypt", overtaken)
    outcome = reseal(PHONE)
    assert (outcome.done, outcome.missed) == (samples - 1, 1)
    assert Sample.objects.get(id="smp_0").phone == newest


def test_a_value_whose_key_is_missing_stops_the_pass(samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "second")
    with pytest.raises(InvalidTag):
        reseal(PHONE)


SERVICES = Path(services.__file__).parent


def _encrypted_fields(service: str) -> dict[str, str]:
    """Where a service encrypts, by the name of the field: the first argument of `crypto.encrypt`, a constant."""
    found = {}
    for path in sorted((SERVICES / service).rglob("*.py")):
        text = path.read_text()
        if "encrypt(" not in text:
            continue
        name = ".".join(("services", *path.relative_to(SERVICES).with_suffix("").parts)).removesuffix(".__init__")
        for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
            if ast.unparse(call.func) in ("crypto.encrypt", "encrypt"):
                first = call.args[0]
                field = first.value if isinstance(first, ast.Constant) else None
                if isinstance(first, ast.Name):
                    field = getattr(import_module(name), first.id, None)
                assert isinstance(field, str), f"{path}:{call.lineno}: the field's name has to be a constant"
                found[field] = f"{path}:{call.lineno}"
    return found


# What lives shorter than keys are turned, and is not worth it.
SHORT_LIVED = {"external.code_verifier"}


@pytest.mark.parametrize("service", ["identity", "onboarding", "settlement", "payments", "orders", "catalog"])
def test_every_field_that_is_encrypted_is_turned_with_the_keys(service: str) -> None:
    fields = {field: where for field, where in _encrypted_fields(service).items() if field not in SHORT_LIVED}
    if not fields:
        return
    named = {sealed.field for sealed in import_module(f"services.{service}.sealed").SEALED}
    missing = {field: where for field, where in fields.items() if field not in named}
    assert not missing, f"add them to services/{service}/sealed.py, so that cho keys rotate encrypts them anew"
    assert named == fields.keys(), "what is turned is encrypted somewhere"
