"""`python -m wmbus HEX [--key KEY] [--json]`: explain a telegram byte by byte."""

import argparse
import json
import sys

from wmbus import Key
from wmbus.explain import Explanation, explain
from wmbus.inspection import Section

_BYTES_A_LINE = 12


def _lines(section: Section) -> list[str]:
    lines = [f"── {section.title} ({len(section.data)} bytes)"]
    for part in section.parts:
        raw = section.data[part.start : part.end]
        rows = [raw[at : at + _BYTES_A_LINE] for at in range(0, len(raw), _BYTES_A_LINE)] or [b""]
        words = f"{part.layer}: {part.name}: {part.meaning}" if part.name else part.meaning
        if part.problem:
            words += f"  ← {part.problem}"
        lines.append(f"{part.start:4}  {rows[0].hex(' ').upper():36} {words}")
        lines += [f"      {row.hex(' ').upper()}" for row in rows[1:]]
    return lines


def text(explanation: Explanation) -> str:
    """The explanation for a terminal, with the registers or the error at the end."""
    lines = [line for section in explanation.sections for line in _lines(section)]
    telegram = explanation.telegram
    if telegram is not None:
        lines.append(
            f"── {telegram.address}: {telegram.security}, "
            f"{'encrypted' if telegram.encrypted else 'not encrypted'}, trust {telegram.trust}"
        )
        for found in telegram.register_sets:
            when = f" {found.time.text}" if found.time else ""
            lines.append(f"{found.kind}{when} (storage {found.storage})")
            for register, value in zip(found.layout.registers, found.values, strict=True):
                shown = "no valid value" if value is None else f"{value}e{register.exponent}"
                lines.append(f"  {register.code:12} {shown} {register.unit}".rstrip())
    if explanation.error is not None:
        lines.append(f"── failed: {type(explanation.error).__name__}: {explanation.error}")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Exit status 0 when decoded, 1 when not, 2 when the arguments make no sense."""
    parser = argparse.ArgumentParser(prog="python -m wmbus", description=__doc__)
    parser.add_argument("hex", help="the telegram from its length byte on, or a wired frame")
    parser.add_argument("--key", help="the meter's key, 32 hexadecimal digits")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--already-decrypted",
        action="store_true",
        help="accept plaintext where the header declares encryption",
    )
    parser.add_argument("--crc", choices=("auto", "none", "A", "B"), default="auto")
    options = parser.parse_args(arguments)
    try:
        frame = bytes.fromhex(options.hex)
        key = Key(bytes.fromhex(options.key)) if options.key else None
    except ValueError as error:
        parser.error(f"not a telegram or not a key in hexadecimal digits: {error}")
    explanation = explain(
        frame,
        key_for=lambda _: key,
        already_decrypted=options.already_decrypted,
        crc=options.crc,
    )
    if options.json:
        print(json.dumps(explanation.as_json(), indent=1, ensure_ascii=False))
    else:
        print(text(explanation))
    return 0 if explanation.error is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
