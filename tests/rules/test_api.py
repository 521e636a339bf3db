"""Every operation of the API asks who is calling: the access middleware counts on it."""

from ninja.operation import Operation

from ready.urls import api


def operations() -> list[tuple[str, Operation]]:
    return [
        (f"{prefix}{path}", operation)
        for prefix, router in api._routers
        for path, view in router.path_operations.items()
        for operation in view.operations
    ]


def test_every_operation_has_an_authenticator() -> None:
    found = operations()
    assert "/collect/telegrams" in {path for path, _ in found}
    assert [path for path, operation in found if not operation.auth_callbacks] == []
