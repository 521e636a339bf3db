"""Faults on purpose: every acknowledged telegram must still be exactly one accounted item.

`house` starts a READY of its own, `clients` push a seeded truth and keep a ledger of what was
acknowledged, `nemesis` does the harm, `checker` compares. `mutants` are READYs broken on purpose,
each of which must be caught. docs/explanation/guarantees.md tells the whole.
"""
