"""Every fault of a telegram, by its stable code: the English words, with parameters by name.

`DecodeError(code, …, name=value)` takes its words from here. A caller that wants other words, or
another language, goes by the code; a code never changes its meaning.
"""

from collections.abc import Mapping

from wmbus.words import marked as _

FAULTS: Mapping[str, str] = {
    # wireless link
    "frame_too_short": _("a wireless frame has at least %(least)d bytes, this has %(left)d"),
    "length_too_small": _("length byte %(length)d is too small for an address"),
    "frame_cut": _("length byte says %(expected)d bytes, %(left)d are there"),
    "frame_cut_format": _("format %(format)s: %(expected)d bytes expected, %(left)d are there"),
    "no_room_for_checksum": _("length byte %(length)d leaves no room for a checksum"),
    "block_checksum": _("checksum %(sent)s does not fit its block (%(expected)s expected)"),
    "not_from_meter": _("control field %(control)s is not one of a meter that sends data"),
    # wired link
    "wired_empty": _("no bytes at all"),
    "wired_start": _("no frame begins with %(start)s"),
    "wired_start_cut": _("the frame ends in its start"),
    "wired_start_differs": _("the two length bytes differ or the second start is missing"),
    "wired_length": _("length %(length)d is too small"),
    "wired_cut": _("%(expected)d bytes expected, %(left)d are there"),
    "wired_checksum": _("checksum %(sent)s does not fit (%(expected)s expected)"),
    "wired_stop": _("stop byte 16 expected, %(found)s found"),
    "wired_no_answer": _("%(kind)s with control field %(control)s is no answer of a meter"),
    # any layer
    "field_cut": _("%(what)s: %(expected)d bytes expected, %(left)d left"),
    # extended link layer
    "nothing_behind_link": _("nothing behind the extended link layer"),
    "link_encryption": _("encryption %(number)d of the extended link layer"),
    "payload_checksum": _("the payload checksum does not fit"),
    # authentication and fragmentation
    "authentication_surplus": _(
        "%(surplus)d bytes more in the authentication layer than it announces"
    ),
    "authentication_type": _("authentication type %(number)d"),
    "fragment": _("fragment %(number)d of a longer message"),
    "fragments_incomplete": _("fragments %(numbers)s are no whole message"),
    "fragments_mixed": _("fragments need an authentication layer and one and the same sender"),
    "mac_without_counter": _("a MAC without a message counter"),
    "bad_mac": _("the MAC does not fit: wrong key, damaged or forged"),
    # transport layer and security
    "ci_unknown": _("CI %(ci)s is none of a meter's"),
    "ci_unsupported": _("CI %(ci)s: %(purpose)s"),
    "no_key": _("encrypted, and no key is known"),
    "not_encrypted": _(
        "declares encryption but carries plaintext, which is not allowed for this source"
    ),
    "wrong_key_checksum": _("wrong key: the payload checksum does not fit after decryption"),
    "wrong_key_mark": _("wrong key: decrypted data do not begin with 2F2F"),
    "mode_unsupported": _("security mode %(mode)d"),
    "mode_unsupported_named": _("security mode %(mode)d (%(name)s)"),
    "mode_7_without_mac": _("security mode 7 without a MAC"),
    "mode_10_in_part": _("security mode 10 with a part that is not encrypted"),
    "encrypted_cut": _("%(expected)d encrypted bytes announced, %(left)d are there"),
    "key_derivation": _("key derivation %(number)d"),
    "key_without_counter": _("key derivation without a message counter"),
    "tag_cut": _("bytes of the authentication tag are missing"),
    "bad_tag": _("the authentication tag does not fit: wrong key, damaged or forged"),
    # application layer
    "alarm": _("an alarm telegram"),
    "meter_reports": _("the meter reports: %(what)s"),
    "meter_reports_number": _("the meter reports: error %(number)d"),
    "fixed_surplus": _("%(surplus)d bytes behind the fixed structure"),
    "reserved_dif": _("reserved DIF %(dif)s"),
    "reserved_length": _("reserved length code %(length)s"),
    "length_missing": _("length of a record is missing"),
    "data_cut": _("%(expected)d data bytes expected, %(left)d left"),
    "header_cut": _("the data ends inside a record header"),
    "too_many_extensions": _("more than %(most)d %(name)s"),
    "format_unknown": _("compact frame of format %(signature)s, which is not known yet"),
    "compact_cut": _("compact frame: %(expected)d data bytes expected, %(left)d left"),
    "compact_surplus": _("compact frame: %(surplus)d bytes more than its format has"),
    "full_checksum": _("the checksum of the full frame is %(found)s, the meter says %(expected)s"),
    "format_signature": _("format signature %(sent)s does not fit its headers (%(found)s)"),
    "dif_in_format": _("DIF %(dif)s in a format"),
}
