"""How fast readings are written, read and thinned: `python -m benchmarks.bench_readings`.

    --meters 300     meters, all read hourly; 105 at least
    --months 2       closed months of readings before the one that is written to, 13 at most (the
                     month of 24 days ago, so that there is room for what is measured)
    --years          also thinned days back to five years
    --samples 60     charts a kind that are timed
    --keep           leave the last database (its name is printed) for a closer look

DATABASE_URL names an administrator of a PostgreSQL; databases of its own are made there, by the
three roles as in production, and dropped at the end. The same questions are asked of 105 and 1,050
meters first, then of all meters with 2 months, then with all months. One line a figure. Times on a
shared machine drift: the ratios are against raw binary COPY into a table of the same shape in the
same run.
"""
