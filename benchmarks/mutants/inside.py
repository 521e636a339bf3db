"""What keeps utilities apart, secrets shut and the trail whole."""

from benchmarks.mutants.mutant import (
    ISOLATION,
    KEY_FILES,
    KEYS,
    LIMITED,
    OUTER,
    PEOPLE_PAGES,
    PLATFORM,
    SIGN_IN,
    TRAIL,
    WALLS,
    Mutant,
    matrix,
)

FILTERS = (
    Mutant(
        "the manager forgets the tenant",
        (f"{ISOLATION}::test_an_unscoped_query_raises",),
        "ready/tenancy/models.py",
        "return super().get_queryset().filter(tenant_id=current_tenant_id())",
        "return super().get_queryset()",
    ),
    Mutant(
        "a query of the application's forgets the tenant",
        (f"{ISOLATION}::test_the_first_wall_holds_without_the_second",),
        "ready/tenancy/models.py",
        "return super().get_queryset().filter(tenant_id=current_tenant_id())",
        "current_tenant_id()\n        return super().get_queryset()",
    ),
    Mutant(
        "leaving a context keeps its tenant",
        (f"{ISOLATION}::test_leaving_a_context_restores_the_outer_one",),
        "ready/tenancy/context.py",
        '        _set_local("app.tenant", outer)',
        "        pass",
    ),
    Mutant(
        "a stranger gets 403 instead of 404",
        matrix("meters:list"),
        "ready/accounts/middleware.py",
        """        if getattr(request, "unknown_tenant", False):
            raise Http404""",
        """        if getattr(request, "unknown_tenant", False):
            raise PermissionDenied""",
    ),
    Mutant(
        "a shut-out member still gets in",
        matrix("meters:list"),
        "ready/accounts/middleware.py",
        "filter(user=user, tenant__slug=slug, disabled_at=None)",
        "filter(user=user, tenant__slug=slug)",
    ),
    Mutant(
        "an older log-in opens a utility again",
        (f"{PEOPLE_PAGES}::TestOpenSessions::test_an_older_log_in_does_not_open_it_any_more",),
        "ready/accounts/middleware.py",
        "if sessions.logged_in_at(request) < (membership.sessions_from or sessions.EVER):",
        "if False:",
    ),
    Mutant(
        "a suspended utility stays open",
        (f"{PLATFORM}::test_a_suspended_utility_is_closed_and_opens_again",),
        "ready/accounts/middleware.py",
        "if membership.tenant.suspended_at is not None:",
        "if False:",
    ),
    Mutant(
        "a refusal keeps what was written",
        (f"{ISOLATION}::test_a_refusal_keeps_nothing_of_what_was_written",),
        "ready/accounts/middleware.py",
        "transaction.set_rollback(True)",
        "pass",
    ),
)

SECRETS = (
    *(
        Mutant(
            f"a sealed key is not bound to its {what}",
            (f"{ISOLATION}::test_a_key_moved_to_another_row_does_not_open",),
            "meters/keys.py",
            'return b"ready meter key|%d|%d|%d" % (tenant_id, meter_id, version)',
            f'return b"ready meter key|%d|%d" % {bound}',
        )
        for what, bound in (
            ("utility", "(meter_id, version)"),
            ("meter", "(tenant_id, version)"),
            ("version", "(tenant_id, meter_id)"),
        )
    ),
    Mutant(
        "a preview keeps its keys after the import",
        (f"{KEYS}::TestImport::test_a_file_is_shown_tried_imported_and_taken_back",),
        "meters/keyimports.py",
        "    KeyImportRow.objects.filter(of_import=chosen).update(sealed=None, fingerprint=None)\n",
        '    for row in rows:\n        row.sealed = b"left"\n'
        '    KeyImportRow.objects.bulk_update(rows, ["sealed"])\n',
    ),
    Mutant(
        "a shared key is not asked about",
        (f"{KEYS}::TestImport::test_one_key_for_several_meters_is_asked_about",),
        "meters/keyimports.py",
        "if findings[Finding.SHARED] and not choices.shared:",
        "if False:",
    ),
    Mutant(
        "single sign-on's secret is not bound to its utility",
        (f"{SIGN_IN}::TestSettings::test_a_secret_opens_for_its_utility_only",),
        "ready/accounts/sealing.py",
        'return f"identity provider {tenant_id}"',
        'return "identity provider"',
    ),
)

TRAILS = (
    Mutant(
        "refusals are not written down",
        matrix("audit:trail"),
        "ready/accounts/trail.py",
        '        return "access.denied", Outcome.DENIED',
        '        return "", Outcome.DENIED',
    ),
    Mutant(
        "an act leaves nothing in the trail",
        (
            "tests/matrix/test_matrix.py::test_visited_with_success[configuration:end_user_sessions]",
        ),
        "ready/accounts/people.py",
        '    _note("person.sessions_ended", actor, user_id, membership.user.email)\n',
        "",
    ),
    Mutant(
        "a head is not checked against the ones outside",
        (
            f"{TRAIL}::test_a_cut_off_end_is_found",
            f"{TRAIL}::test_an_old_backup_is_found_even_after_it_went_on",
        ),
        "ready/audit/verification.py",
        "        _outside(faults, sealed, own)",
        "        pass",
    ),
    Mutant(
        "the chain does not cover who acted",
        (f"{TRAIL}::test_a_changed_entry_is_found",),
        "ready/audit/chain.py",
        "        entry.actor_id,\n",
        "",
    ),
    Mutant(
        "entries outside the chain are not looked for",
        (f"{TRAIL}::test_an_inserted_entry_is_found",),
        "ready/audit/verification.py",
        "        _unsealed(faults, now)",
        "        pass",
    ),
    Mutant(
        "a gap in the chain is not looked for",
        (f"{TRAIL}::test_an_entry_deleted_with_its_link_is_found",),
        "ready/audit/verification.py",
        "if seal.seq != expected:",
        "if False:",
    ),
    Mutant(
        "an emptied entry is always taken for an erasure",
        (f"{TRAIL}::test_a_changed_entry_is_found",),
        "ready/audit/verification.py",
        "elif not erased.covers(key, entry.pk):",
        "elif False:",
    ),
)

OUTSIDE = (
    Mutant(
        "inner addresses may be called",
        (f"{OUTER}::TestOutbound",),
        "ready/web/outbound.py",
        "    return told.is_global and not told.is_multicast and not told.is_reserved",
        "    return True",
    ),
    Mutant(
        "entities are allowed in key files",
        (f"{KEY_FILES}::test_bombs_and_tricks_are_refused",),
        "meters/formats/keyfiles.py",
        "from defusedxml.ElementTree import ParseError, fromstring",
        "from xml.etree.ElementTree import ParseError\n"
        "from xml.etree.ElementTree import fromstring as _plain\n\n"
        "def fromstring(content, forbid_dtd=True):\n    return _plain(content)\n",
    ),
    Mutant(
        "a cell of a CSV file may be a formula",
        ("tests/web/test_lists.py",),
        "ready/web/lists.py",
        'return f"\'{text}"',
        "return text",
    ),
    Mutant(
        "scripts may stand in a page",
        (f"{OUTER}::TestHeaders::test_every_answer_carries_them",),
        "ready/settings.py",
        '"script-src": [SELF, NONCE],',
        '"script-src": [SELF, NONCE, "\'unsafe-inline\'"],',
    ),
    *(
        Mutant(
            f"of an ID token {what}",
            (f"{SIGN_IN}::TestAttacks::{test}",),
            "ready/accounts/oidc.py",
            old,
            new,
        )
        for what, test, old, new in (
            (
                "another log-in's is taken",
                "test_claims_that_do_not_hold",
                'if not secrets.compare_digest(str(claims.get("nonce", "")).encode(),'
                " nonce.encode()):",
                "if False:",
            ),
            (
                "the signature is not looked at",
                "test_another_key",
                "options={",
                'options={"verify_signature": False, ',
            ),
            (
                "the issuer is not compared",
                "test_claims_that_do_not_hold",
                "            issuer=issuer,\n            leeway",
                "            leeway",
            ),
        )
    ),
    Mutant(
        "a subject of any issuer is somebody here",
        (f"{SIGN_IN}::TestAttacks::test_a_neighbours_provider_opens_nothing_here",),
        "ready/accounts/providers.py",
        "filter(issuer=found.issuer, subject=found.subject)",
        "filter(subject=found.subject)",
    ),
    Mutant(
        "an answer to nobody's try is taken",
        (f"{SIGN_IN}::TestAttacks::test_an_answer_works_once",),
        "ready/accounts/views_sign_in.py",
        'request.GET.get("state") != tried.state',
        "False",
    ),
    Mutant(
        "a session of single sign-on opens every utility",
        (f"{SIGN_IN}::TestLoggingIn::test_a_linked_member_gets_in_here_alone",),
        "ready/accounts/views_sign_in.py",
        "    sessions.begin_for(request, utility.pk)\n",
        "",
    ),
)

DATABASE = (
    Mutant(
        "no policy on meters_meter",
        (f"{WALLS}::test_one_policy_for_all_but_the_allowlist",),
        sql="DROP POLICY tenant ON meters_meter",
    ),
    Mutant(
        "a policy that is always true",
        (f"{ISOLATION}::test_the_second_wall_holds_without_the_first",),
        sql="ALTER POLICY tenant ON meters_meter USING (true)",
    ),
    Mutant(
        "a policy that takes all",
        (f"{WALLS}::test_one_policy_for_all_but_the_allowlist",),
        sql="ALTER POLICY tenant ON meters_meter WITH CHECK (true)",
    ),
    Mutant(
        "row-level security is off",
        (f"{ISOLATION}::test_the_second_wall_holds_without_the_first",),
        sql="ALTER TABLE meters_meter DISABLE ROW LEVEL SECURITY",
    ),
    Mutant(
        "no composite key of a meter's key",
        (f"{ISOLATION}::test_no_reference_can_point_into_another",),
        sql="ALTER TABLE meters_meterkey DROP CONSTRAINT meters_meterkey_meter_id_fk",
    ),
    Mutant(
        "a plain key instead of the composite one",
        (f"{WALLS}::test_every_foreign_key_between_tenants_tables_carries_the_tenant",),
        sql="ALTER TABLE meters_meterkey DROP CONSTRAINT meters_meterkey_meter_id_fk; "
        "ALTER TABLE meters_meter ADD CONSTRAINT mutant UNIQUE (id); "
        "ALTER TABLE meters_meterkey ADD CONSTRAINT mutant_fk FOREIGN KEY (meter_id) "
        "REFERENCES meters_meter (id)",
    ),
    Mutant(
        "a limited member sees all meters",
        (f"{LIMITED}::TestTheDatabase::test_shows_what_is_in_the_groups_whoever_asks",),
        sql="DROP POLICY limited ON meters_meter",
    ),
    Mutant(
        "a limited member changes all meters",
        (f"{LIMITED}::TestTheDatabase::test_a_change_does_not_reach_past_them",),
        sql="ALTER POLICY limited ON meters_meter USING (true)",
    ),
    Mutant(
        "a limited member's request does not become the limited role",
        (f"{LIMITED}::TestPages::test_the_others_are_not_found",),
        "ready/accounts/middleware.py",
        """            with seen_with(rights):
                return self._finish(request)""",
        "            return self._finish(request)",
    ),
    Mutant(
        "the run-time role makes operators",
        (f"{PLATFORM}::test_the_web_process_cannot_make_an_operator",),
        sql="GRANT INSERT ON accounts_platformoperator TO ready_app; "
        "CREATE POLICY mutant ON accounts_platformoperator FOR INSERT WITH CHECK (true)",
    ),
    # The role belongs to the cluster: the next test database gives it back what it may.
    Mutant(
        "the run-time role passes every wall",
        (f"{WALLS}::test_the_run_time_role_owns_nothing_and_passes_no_wall",),
        sql="ALTER ROLE ready_app BYPASSRLS",
    ),
)
