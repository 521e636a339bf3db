"""The project: wiring on top, foundations below; nothing about meters."""
