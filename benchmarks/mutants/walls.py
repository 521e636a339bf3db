"""The walls that `make mutants` takes away, one at a time, and the tests that must notice."""

from benchmarks.mutants.daily import MARKS
from benchmarks.mutants.doors import BEARERS, DECLARATIONS, PERSONS, PROOF
from benchmarks.mutants.inside import DATABASE, FILTERS, OUTSIDE, SECRETS, TRAILS

MUTANTS = (
    *FILTERS,
    *DECLARATIONS,
    *PROOF,
    *PERSONS,
    *BEARERS,
    *SECRETS,
    *TRAILS,
    *OUTSIDE,
    *DATABASE,
    *MARKS,
)
