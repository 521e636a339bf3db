"""Files of encryption keys: Kamstrup's KEM and KEM2, and CSV. Pure: bytes in, found keys out.

A KEM file is XML encryption around XML: AES-128-CBC, and both key and initial vector are the
password in UTF-8, cut or filled with zeros to 16 bytes (../shared/protocol, facts §8). It may come
inside a ZIP archive. Nothing is unpacked to disk; entities and DTDs are refused; what a file may
unpack to is limited before it is unpacked.
"""

import base64
import binascii
import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

LARGEST_FILE = 5 * 1024 * 1024
LARGEST_UNPACKED = 20 * 1024 * 1024
MOST_MEMBERS = 20
MOST_ROWS = 5_000
# Of one meter's entry; elements nested in each other would else be walked again and again.
_MOST_PARTS = 500
_HEX = re.compile(r"[0-9A-Fa-f]{32}")
_HEADS = {
    "number": ("serial number", "serial", "meter number", "meterno", "serialno", "number"),
    "key": ("key", "encryption key", "dek", "aes key"),
    "manufacturer": ("manufacturer", "vendor", "vendorid", "manufacturerid"),
}
_DANISH = {
    "serienummer": "number",
    "målernummer": "number",
    "nøgle": "key",
    "fabrikat": "manufacturer",
}


class KeyFileError(Exception):
    """The file as a whole cannot be read; `code` says why, `KeyFileError.CODES` which there are."""

    CODES = (
        "empty",
        "too_large",
        "unknown",
        "damaged",
        "password",
        "password_missing",
        "too_many",
        "columns",
        "forbidden",
        "members",
    )

    def __init__(self, code: str, where: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.where = where


@dataclass(frozen=True, slots=True, repr=False)
class FoundKey:
    """A line of a file. key is None where it is missing or no key; `number` stands as written.

    line: of a CSV file, else the place among the meters of the file, from 1.
    """

    line: int
    manufacturer: str
    number: str
    key: bytes | None
    key_told: bool
    medium: str = ""
    meter_type: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class KeyFile:
    """A file as a whole. kind: "KEM", "KEM2" or "CSV"."""

    kind: str
    keys: list[FoundKey]


def read(content: bytes, password: str) -> KeyFile:
    """Everything in the file. Raises KeyFileError."""
    if not content.strip():
        raise KeyFileError("empty")
    if len(content) > LARGEST_FILE:
        raise KeyFileError("too_large")
    if content[:4] == b"PK\x03\x04":
        return _zipped(content, password)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return _xml(content, password)
    return _csv(content)


def _zipped(content: bytes, password: str) -> KeyFile:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            if not members or len(members) > MOST_MEMBERS:
                raise KeyFileError("members")
            if sum(one.file_size for one in members) > LARGEST_UNPACKED:
                raise KeyFileError("too_large")
            files = [
                _member(archive, one, password, LARGEST_UNPACKED // len(members)) for one in members
            ]
    except (zipfile.BadZipFile, NotImplementedError, EOFError, zlib.error, ValueError) as error:
        raise KeyFileError("damaged") from error
    found = [_xml(file, password) if file.lstrip()[:1] == b"<" else _csv(file) for file in files]
    keys = [key for one in found for key in one.keys]
    if len(keys) > MOST_ROWS:
        raise KeyFileError("too_many")
    return KeyFile(found[0].kind, keys)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, password: str, most: int) -> bytes:
    locked = bool(member.flag_bits & 1)
    if locked and not password:
        raise KeyFileError("password_missing")
    try:
        with archive.open(member, pwd=password.encode() if locked else None) as file:
            content = file.read(most + 1)  # the size in the archive's list may be a lie
    except RuntimeError as error:  # what zipfile says of a wrong password
        raise KeyFileError("password") from error
    if len(content) > most:
        raise KeyFileError("too_large")
    return content


def _parse(content: bytes) -> Any:
    try:
        return fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise KeyFileError("forbidden") from error
    except (ParseError, ValueError, RecursionError) as error:
        raise KeyFileError("damaged") from error


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _xml(content: bytes, password: str) -> KeyFile:
    root = _parse(content)
    if _local(root) not in ("MetersInOrder", "Devices"):
        sealed = next((one for one in root.iter() if _local(one) == "CipherValue"), None)
        if sealed is None:
            raise KeyFileError("unknown")
        if not password:
            raise KeyFileError("password_missing")
        root = _parse(_decrypted(str(sealed.text or ""), password))
    if _local(root) == "MetersInOrder":
        keys = list(islice(_kem(root), MOST_ROWS + 1))
        kind = "KEM"
    elif _local(root) == "Devices":
        keys = list(islice(_kem2(root), MOST_ROWS + 1))
        kind = "KEM2"
    else:
        raise KeyFileError("unknown")
    if len(keys) > MOST_ROWS:
        raise KeyFileError("too_many")
    return KeyFile(kind, keys)


def _decrypted(text: str, password: str) -> bytes:
    try:
        sealed = base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise KeyFileError("damaged") from error
    if not sealed or len(sealed) % 16:
        raise KeyFileError("damaged")
    key = password.encode("utf-8", "replace")[:16].ljust(16, b"\0")
    opened = Cipher(algorithms.AES128(key), modes.CBC(key)).decryptor()
    plain = opened.update(sealed) + opened.finalize()
    # Decrypting never fails by itself: a wrong password gives noise.
    if b"<MetersInOrder" not in plain and b"<Devices" not in plain:
        raise KeyFileError("password")
    # Paddings differ between programs; nothing of the document comes after its last bracket.
    return plain[plain.index(b"<") : plain.rindex(b">") + 1]


def _texts(element: Any) -> dict[str, str]:
    """Local name → text of all elements inside; the first of a name counts."""
    found: dict[str, str] = {}
    for one in islice(element.iter(), _MOST_PARTS):
        found.setdefault(_local(one), str(one.text or "").strip())
    return found


def _kem(root: Any) -> Iterator[FoundKey]:
    for line, meter in enumerate((one for one in root.iter() if _local(one) == "Meter"), 1):
        told = _texts(meter)
        serial = told.get("SerialNo", "")
        number = serial if re.fullmatch(r"\d{8}", serial) else told.get("MeterNo", "") or serial
        yield _found(
            line,
            told.get("VendorId", ""),
            number,
            told.get("DEK", ""),
            told.get("ConsumptionType", ""),
            told.get("MeterName", ""),
        )


def _kem2(root: Any) -> Iterator[FoundKey]:
    for line, device in enumerate((one for one in root.iter() if _local(one) == "Device"), 1):
        told = _texts(device)
        key = ""
        # Keys are pairs of Name and Value, and a device may have others than DEK.
        for pair in islice(device.iter(), _MOST_PARTS):
            parts = {_local(one): str(one.text or "").strip() for one in islice(pair, _MOST_PARTS)}
            if parts.get("Name") == "DEK" and "Value" in parts:
                key = parts["Value"]
        yield _found(
            line,
            told.get("ManufacturerId", ""),
            told.get("SerialNumber", ""),
            key,
            told.get("ConsumptionTypeName", ""),
            told.get("ShortName", ""),
        )


def _found(
    line: int, manufacturer: str, number: str, key: str, consumption: str, meter_type: str
) -> FoundKey:
    hexadecimal = "".join(key.split()).removeprefix("0x")
    return FoundKey(
        line=line,
        manufacturer=manufacturer.strip().upper()[:3] or "KAM",
        number=number.strip()[:40],
        key=bytes.fromhex(hexadecimal) if _HEX.fullmatch(hexadecimal) else None,
        key_told=bool(hexadecimal),
        medium=_medium(consumption),
        meter_type=meter_type[:60],
    )


def _medium(consumption: str) -> str:
    told = consumption.lower()
    if "heat" in told and "cool" in told:
        return "heat_cooling"
    for words, medium in (
        (("cool",), "cooling"),
        (("heat", "varme"), "heat"),
        (("water", "volume", "vand"), "water"),
        (("electric", "energy", "el"), "electricity"),
    ):
        if any(word in told for word in words):
            return medium
    return ""


def _csv(content: bytes) -> KeyFile:
    if b"\0" in content[:4096]:
        raise KeyFileError("unknown")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    head = text.split("\n", 1)[0]
    delimiter = max(";,\t", key=head.count)
    if delimiter not in head:
        raise KeyFileError("columns")
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise KeyFileError("damaged") from error
    columns = _columns(rows[0])
    if columns is not None:
        first = 1
    elif len(rows[0]) >= 2 and _HEX.fullmatch(rows[0][1].strip()):
        columns, first = {"number": 0, "key": 1}, 0
    else:
        raise KeyFileError("columns")
    if len(rows) - first > MOST_ROWS:
        raise KeyFileError("too_many")
    keys = []
    for line, row in enumerate(rows[first:], first + 1):
        if not any(cell.strip() for cell in row):
            continue
        cells = {
            name: row[place].strip().lstrip("'") if place < len(row) else ""
            for name, place in columns.items()
        }
        keys.append(
            _found(line, cells.get("manufacturer", ""), cells["number"], cells["key"], "", "")
        )
    if not keys:
        raise KeyFileError("empty")
    return KeyFile("CSV", keys)


def _columns(row: list[str]) -> dict[str, int] | None:
    """Which column is what, from the file's first line; None where it is no head."""
    found: dict[str, int] = {}
    for place, cell in enumerate(row):
        told = cell.strip().lower()
        for name, words in _HEADS.items():
            if (told in words or _DANISH.get(told) == name) and name not in found:
                found[name] = place
    return found if {"number", "key"} <= found.keys() else None
