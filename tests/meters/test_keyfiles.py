"""Key files as they come: KEM, KEM2, CSV, zipped or not, right and wrong passwords; bombs."""

import base64
import io
import zipfile
from collections.abc import Callable
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.formats import keyfiles
from meters.formats.keyfiles import KeyFileError, read

KEY = "28F64A24988064A079AA2C807D6102AE"
OTHER = "00112233445566778899AABBCCDDEEFF"
KEM = f"""<MetersInOrder orderid="0000001" schemaVersion="2.0"><Meter><MeterNo>76348799</MeterNo>
<SerialNo>76348799</SerialNo><MeterName>kamwater</MeterName>
<ConsumptionType>VolumeCold</ConsumptionType><ConfigNo></ConfigNo><TypeNo></TypeNo>
<VendorId>KAM</VendorId><EncKeys><DEK>{KEY}</DEK></EncKeys></Meter><Meter>
<MeterNo>67676767</MeterNo><SerialNo>67676767</SerialNo><ConsumptionType>Heat</ConsumptionType>
<EncKeys><DEK>{OTHER}</DEK></EncKeys></Meter></MetersInOrder>"""
KEM2 = f"""<Devices schemaVersion="3.0" xmlns="http://example.invalid/own"><Device>
<ShortName>kamwater</ShortName><ConsumptionTypeName>ColdWater</ConsumptionTypeName>
<CustomerDeviceNumber>C76348799</CustomerDeviceNumber><SerialNumber>76348799</SerialNumber>
<ManufacturerId>KAM</ManufacturerId><Keys><Key><Name>GPK</Name><Value>{OTHER}</Value></Key>
<Key><Name>DEK</Name><Value>{KEY}</Value></Key></Keys></Device></Devices>"""


def encrypted(document: str, password: str, pad: Callable[[bytes], bytes] | None = None) -> bytes:
    """A document wrapped as Kamstrup wraps it."""
    plain = document.encode()
    fill = 16 - len(plain) % 16
    plain = pad(plain) if pad else plain + bytes(fill - 1) + bytes([fill])
    key = password.encode()[:16].ljust(16, b"\0")
    sealer = Cipher(algorithms.AES128(key), modes.CBC(key)).encryptor()
    sealed = base64.b64encode(sealer.update(plain) + sealer.finalize()).decode()
    return (
        '<?xml version="1.0"?><EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"><CipherData>'
        f"<CipherValue>{sealed}</CipherValue></CipherData></EncryptedData>"
    ).encode()


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in files.items():
            archive.writestr(name, file)
    return content.getvalue()


def code_of(content: bytes, password: str = "") -> str:
    with pytest.raises(KeyFileError) as caught:
        read(content, password)
    return caught.value.code


@pytest.mark.parametrize(
    "password", ["12345678", "sixteen-chars-pw", "longer-than-sixteen-letters", "pæssword"]
)
def test_kem_opens_with_its_password(password: str) -> None:
    file = read(encrypted(KEM, password), password)
    assert file.kind == "KEM"
    assert [(one.manufacturer, one.number, one.medium) for one in file.keys] == [
        ("KAM", "76348799", "water"),
        ("KAM", "67676767", "heat"),
    ]
    assert [one.key for one in file.keys] == [bytes.fromhex(KEY), bytes.fromhex(OTHER)]


def test_zero_padding_is_as_good() -> None:
    sealed = encrypted(KEM, "x", lambda plain: plain.ljust(-(-len(plain) // 16) * 16, b"\0"))
    assert len(read(sealed, "x").keys) == 2


def test_kem2_takes_the_pair_that_is_the_key() -> None:
    (found,) = read(encrypted(KEM2, "Own-Test-9"), "Own-Test-9").keys
    assert (found.number, found.key, found.meter_type) == (
        "76348799",
        bytes.fromhex(KEY),
        "kamwater",
    )


def test_a_zip_archive_and_plain_xml() -> None:
    assert len(read(zipped(**{"a.kem": encrypted(KEM, "pw")}), "pw").keys) == 2
    assert len(read(zipped(**{"a.kem": KEM.encode(), "b.kem2": KEM2.encode()}), "").keys) == 3


def test_a_wrong_password_is_told_from_a_damaged_file() -> None:
    sealed = encrypted(KEM, "right")
    assert code_of(sealed, "wrong") == "password"
    assert code_of(sealed) == "password_missing"
    assert code_of(sealed[:-40], "right") == "damaged"
    assert code_of(sealed.replace(b"</CipherValue>", b"AB</CipherValue>"), "right") == "damaged"


def test_csv_by_its_heads_or_by_its_looks() -> None:
    for text in (
        f"Serial number;Key\n76348799;{KEY}\n",
        f"\ufeffnøgle,serienummer\n{KEY.lower()},76348799\n",
        f"76348799\t{KEY}\n",
    ):
        (found,) = read(text.encode(), "").keys
        assert (found.number, found.key) == ("76348799", bytes.fromhex(KEY))
    assert code_of(b"a;b\n1;2\n") == "columns"
    assert code_of(b"\x89PNG\r\n\0\0\0") == "unknown"


def test_a_line_without_a_right_key_is_found_nevertheless() -> None:
    rows = read(b"serial;key\n1;xyz\n76348799;\n", "").keys
    assert [(one.key, one.key_told) for one in rows] == [(None, True), (None, False)]


def test_bombs_and_tricks_are_refused() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Devices>&b;</Devices>'
    assert code_of(bomb) == "forbidden"
    outside = b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><Devices>&a;</Devices>'
    assert code_of(outside) == "forbidden"
    assert code_of(zipped(**{"a.kem": bytes(keyfiles.LARGEST_UNPACKED + 1)})) == "too_large"
    assert code_of(zipped(**{f"{n}.kem": b"<a/>" for n in range(30)})) == "members"
    assert code_of(bytes([32]) + b"x" * (keyfiles.LARGEST_FILE + 1)) == "too_large"
    nested = b"<Meter>" * 20_000 + b"</Meter>" * 20_000
    assert code_of(b"<MetersInOrder>" + nested + b"</MetersInOrder>") == "too_many"
    assert code_of(b"<a>" * 50_000 + b"</a>" * 50_000) in ("unknown", "damaged")
    many = "\n".join(f"{n:08d};{KEY}" for n in range(keyfiles.MOST_ROWS + 1))
    assert code_of(many.encode()) == "too_many"


def test_a_lie_about_the_unpacked_size_is_found_while_reading() -> None:
    content = bytearray(zipped(**{"a.kem": b"x" * 25_000_000}))
    place = content.rindex(b"PK\x01\x02")
    content[place + 24 : place + 28] = (1000).to_bytes(4, "little")
    assert code_of(bytes(content)) in ("too_large", "damaged")


@given(st.binary(max_size=600), st.sampled_from(["", "pw"]))
@settings(max_examples=200, deadline=None)
def test_anything_is_answered_with_words(content: bytes, password: str) -> None:
    for start in (b"", b"PK\x03\x04", b"<"):
        with suppress(KeyFileError):  # and nothing else
            read(start + content, password)


def test_nothing_prints_a_key() -> None:
    file = read(KEM.encode(), "")
    assert KEY not in repr(file).upper() + repr(file.keys).upper()
