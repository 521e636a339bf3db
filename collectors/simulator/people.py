"""Names of a town that does not exist: streets, customers. No real person is meant."""

from collectors.simulator.seeded import pick

STREETS = (
    "Aalundvej", "Bækdraget", "Engtoften", "Fyrrevænget", "Gammel Møllesti", "Hasselhegnet",
    "Idrætsalléen", "Jernbanestien", "Kirkebakken", "Lærkehøjen", "Mosebrinken", "Nørrelunden",
    "Oldenkrogen", "Piletoften", "Ravnsbakken", "Solskrænten", "Tranekæret", "Vibeengen",
    "Åbrinken", "Østerlunden",
)  # fmt: skip

_FIRST = (
    "Agnete", "Asger", "Bente", "Birk", "Cecilie", "Dagmar", "Ejvind", "Ellen", "Esben", "Freja",
    "Frode", "Gerda", "Gorm", "Hanne", "Henning", "Inge", "Ivar", "Jytte", "Karla", "Kjeld",
    "Laurits", "Liv", "Magna", "Mogens", "Nanna", "Oluf", "Petra", "Rigmor", "Signe", "Svend",
    "Thyra", "Uffe", "Vera", "Villads", "Ylva", "Åse",
)  # fmt: skip

# Put together from landscape words, and not known to us as anyone's name.
_LAST_HEAD = (
    "Aa", "Birke", "Dyre", "Eng", "Fjeld", "Græs", "Hyben", "Klit", "Lyng", "Mose",
    "Pors", "Ravne", "Siv", "Tang", "Vibe", "Ørne",
)  # fmt: skip
_LAST_TAIL = ("bjælke", "dræt", "hegne", "kværn", "lavnd", "plov", "rønde", "stakke", "træve")

BUILDINGS = (
    "{town} Skole", "{town}hallen", "{town} Svømmehal", "Plejehjemmet Solgården",
    "Boligforeningen Kærhaven, afd. 1", "Boligforeningen Kærhaven, afd. 2", "{town} Børnehus",
    "{town} Sognegård", "Dagli' Købmand {town}", "{town} Maskinfabrik",
)  # fmt: skip


def person(seed: int, number: int) -> str:
    """An invented person's name."""
    first = pick(_FIRST, seed, "first", number)
    last = pick(_LAST_HEAD, seed, "head", number) + pick(_LAST_TAIL, seed, "tail", number)
    return f"{first} {last}"
