"""Import of meters and customers: a file is read, checked and written, all of it or nothing.

reading: a file's cells as text, whatever it is. facts: a row's cells as facts, and what is wrong
with them. planning: what the facts mean beside what is known already. writing: the plan, in bulk,
and taking it back. jobs: the row that the worker works on.
"""
