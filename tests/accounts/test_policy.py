"""The table of permissions itself, and what administrators' changes make of it."""

import pytest

from ready.policy import (
    CHANGEABLE,
    EVERYTHING,
    NEEDS,
    PERMISSIONS,
    VISITING,
    Rights,
    Role,
    Source,
    access,
    can,
    declared,
    held_by,
)

# Seed, R75: what a user may not do until an administrator says so.
CHANGING = ("import", "create", "edit", "delete", "exchange", "erase", "request", "approve")


@pytest.mark.parametrize("permission", PERMISSIONS.values(), ids=list(PERMISSIONS))
class TestEachPermission:
    def test_administrators_hold_it_and_nobody_can_change_that(self, permission) -> None:  # type: ignore[no-untyped-def]
        assert Role.ADMINISTRATOR in permission.roles
        assert Role.ADMINISTRATOR not in permission.delegable

    def test_what_wants_proof_wants_a_second_factor_and_is_no_tokens(self, permission) -> None:  # type: ignore[no-untyped-def]
        if permission.step_up:
            assert permission.second_factor
            assert not permission.token
            assert not permission.visit
            assert permission.roles == {Role.ADMINISTRATOR}

    def test_a_visit_is_for_looking(self, permission) -> None:  # type: ignore[no-untyped-def]
        if permission.visit:
            assert permission.code.split(".")[1] in ("view", "view_state")

    def test_a_user_changes_nothing_by_default(self, permission) -> None:  # type: ignore[no-untyped-def]
        if permission.code.split(".")[1].startswith(CHANGING):
            assert Role.USER not in permission.roles


@pytest.mark.parametrize("role", CHANGEABLE)
@pytest.mark.parametrize("code", PERMISSIONS)
def test_one_deviation_flips_one_code_where_it_may(role: Role, code: str) -> None:
    before = held_by(role, {})
    after = held_by(role, {code: code not in before})
    expected = {code} if role in PERMISSIONS[code].delegable else set()
    assert before ^ after == expected


@pytest.mark.parametrize("code", PERMISSIONS)
def test_an_administrators_rights_are_fixed(code: str) -> None:
    assert held_by(Role.ADMINISTRATOR, {code: False}) == set(PERMISSIONS)


@pytest.mark.parametrize(("code", "needed"), NEEDS.items())
def test_who_ships_with_a_permission_has_what_it_needs(code: str, needed: str) -> None:
    assert PERMISSIONS[code].roles <= PERMISSIONS[needed].roles
    # Whoever can be given the one can be given the other, or has it anyway.
    assert PERMISSIONS[code].delegable <= PERMISSIONS[needed].delegable | PERMISSIONS[needed].roles


def test_what_changes_something_that_is_seen_needs_seeing_it() -> None:
    """Each area whose seeing can be taken away: nothing else of it is left without."""
    for code, permission in PERMISSIONS.items():
        seen = f"{code.partition('.')[0]}.view"
        if seen in PERMISSIONS and seen != code and PERMISSIONS[seen].delegable:
            assert NEEDS.get(code) == seen, permission


def test_refusals_say_why() -> None:
    nobody = frozenset[str]()
    said = {
        "stranger": can(None, "meters.edit"),
        "user": can(Rights(nobody, role=Role.USER), "meters.edit"),
        "fixed": can(Rights(nobody, role=Role.USER), "people.edit"),
        "visit": can(VISITING, "meters.edit"),
        "token": can(Rights(nobody, Source.TOKEN), "meters.edit"),
    }
    assert not any(said.values())
    assert len({str(decision.reason) for decision in said.values()}) == len(said)
    assert can(EVERYTHING, "meters.edit")


def test_an_unknown_code_is_a_defect() -> None:
    with pytest.raises(KeyError):
        can(EVERYTHING, "meters.paint")
    with pytest.raises(ValueError, match="meters\\.paint"):
        access("meters.paint")


def test_only_a_declaration_counts() -> None:
    assert declared(lambda: None) is None
    assert declared(access("meters.view")(lambda: None)) == "meters.view"
