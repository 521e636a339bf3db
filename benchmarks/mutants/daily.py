"""What keeps daily values true: marks that are set, and trusted only while they stand."""

from benchmarks.mutants.mutant import STANDING, Mutant

MARKS = (
    Mutant(
        "who takes marks tells nobody",
        (f"{STANDING}::TestATakenMark",),
        "readings/standing.py",
        "FROM gone GROUP BY tenant_id",
        "FROM gone WHERE false GROUP BY tenant_id",
    ),
    Mutant(
        "an older day's taking hides a newer one's",
        (f"{STANDING}::TestATakenMark",),
        "readings/standing.py",
        "WHERE t.newest < excluded.newest",
        "WHERE true",
    ),
    Mutant(
        "marks are trusted after a crash",
        (f"{STANDING}::TestWhatMarksStandUnder::test_is_gone_after_a_crash",),
        sql="ALTER TABLE readings_taking SET LOGGED",
    ),
    Mutant(
        "the statement does not ask what has been taken",
        (f"{STANDING}::TestAtTheSameTime::test_a_batch_waits_for_the_taking_and_marks",),
        "readings/marks.py",
        "newest < %s::date",
        "%s::date IS NOT NULL",
    ),
    Mutant(
        "marks of one day vouch for those of the day before",
        (f"{STANDING}::TestATakenMark::test_of_one_day_is_set_again_beside_another_day",),
        "readings/standing.py",
        "min(day.date",
        "max(day.date",
    ),
    Mutant(
        "a copied database's marks are trusted",
        (f"{STANDING}::TestWhatMarksStandUnder::test_is_this_database_of_this_server",),
        "readings/marks.py",
        "WHERE datname = current_database()",
        "WHERE datname = 'template0'",
    ),
    Mutant(
        "marks of before a server's start are trusted",
        (f"{STANDING}::TestWhatMarksStandUnder::test_is_this_database_of_this_server",),
        "readings/marks.py",
        "pg_postmaster_start_time(), (",
        "(",
    ),
    Mutant(
        "what was known before a crash is trusted",
        (f"{STANDING}::TestWhatMarksStandUnder::test_is_gone_after_a_crash",),
        "readings/marks.py",
        "taken = %s::text",
        "%s::text IS NOT NULL",
    ),
    Mutant(
        "another zone has the same days",
        (f"{STANDING}::TestWhatMarksStandUnder::test_another_zone_has_days_of_its_own",),
        "readings/marks.py",
        "zone = %s::text",
        "%s::text IS NOT NULL",
    ),
    Mutant(
        "marks are known before their commit",
        (f"{STANDING}::TestUndone",),
        "readings/standing.py",
        "transaction.on_commit(partial(_add, current_tenant_id(), terms, newest, parts))",
        "_add(current_tenant_id(), terms, newest, parts)",
    ),
    Mutant(
        "what marked nothing is known to be marked",
        (f"{STANDING}::TestAKnownMark::test_of_another_meter_says_nothing",),
        "readings/standing.py",
        "parts is None or not all(memory.days[day].issuperset(some) for day, some in parts)",
        "parts is None",
    ),
)
