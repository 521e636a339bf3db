"""READY on one machine: the embedded servers and the supervisor behind `make run` and `make test`.

Standard library only, so that it starts in a moment and can speak when the packages cannot be
imported. It knows how READY's processes are started and nothing of what they do. Production uses
docker-compose.yml instead. docs/decisions/0001-embedded-servers.md says why it is built so.
"""
