"""Logging in: throttling, second factors, sessions, passwords."""

import base64
import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.contrib.auth.password_validation import validate_password
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from ready.accounts import sessions, throttle, upkeep
from ready.accounts.models import IdentityProvider, LoginThrottle, Membership, User
from ready.accounts.sealing import SealBroken, open_text, provider_purpose, seal_text
from ready.audit.models import AuditEntry
from ready.policy import Role
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from ready.tenancy.upkeep import keepers
from ready.web.addresses import neighbourhood
from tests.people import log_in

pytestmark = pytest.mark.django_db
PASSWORD = "Kobberkedel-1"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def _quick_hashes(settings: Settings) -> None:
    """Many log-ins: a slow hash would cost minutes and prove nothing here."""
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "django.contrib.auth.hashers.Argon2PasswordHasher",
    ]


def enter(client: Client, email: str, password: str, address: str = "203.0.113.5") -> bool:
    """Try to log in; whether it worked."""
    response = client.post(
        reverse("account_login"), {"login": email, "password": password}, REMOTE_ADDR=address
    )
    return bool(response.status_code == 302)


def code() -> str:
    return str(format_hotp_value(hotp_value(SECRET, int(time.time()) // 30)))


class TestThrottle:
    def test_a_guesser_is_slowed_down_and_the_victim_is_not(self, alice: User) -> None:
        for _ in range(20):
            assert not enter(Client(), alice.email, "wrong", "198.51.100.1")
        assert LoginThrottle.objects.filter(failures__gte=5).exists()
        # On a slow machine each wait has passed before the next try: let the last one be long.
        LoginThrottle.objects.update(failures=15, last_at=timezone.now())
        assert not enter(Client(), alice.email, PASSWORD, "198.51.100.1"), "not slowed down"
        assert enter(Client(), alice.email, PASSWORD, "203.0.113.5"), "the victim is locked out"

    def test_a_known_browser_is_not_touched_by_strangers(self, alice: User) -> None:
        known = Client()
        assert enter(known, alice.email, PASSWORD)
        known.post(reverse("account_logout"))
        LoginThrottle.objects.update(failures=10_000, last_at=timezone.now())
        for number in range(110):
            throttle.wait(_stranger(alice.email, f"198.51.100.{number}"))
        assert not enter(Client(), alice.email, PASSWORD, "203.0.113.77"), "account-wide limit"
        assert enter(known, alice.email, PASSWORD, "203.0.113.78"), "a known browser is locked out"

    def test_a_known_browser_is_known_for_its_own_account_only(
        self, alice: User, bob: User
    ) -> None:
        client = Client()
        assert enter(client, alice.email, PASSWORD)
        client.post(reverse("account_logout"))
        for _ in range(7):
            assert not enter(client, bob.email, "wrong")
        assert not enter(client, bob.email, PASSWORD)

    def test_a_forged_cookie_is_nobodys(self, alice: User) -> None:
        client = Client()
        client.cookies[throttle.COOKIE] = "W10:forged:signature"
        for _ in range(7):
            enter(client, alice.email, "wrong")
        assert not enter(client, alice.email, PASSWORD)

    def test_one_right_password_does_not_clear_an_address(self, alice: User, bob: User) -> None:
        for _ in range(60):
            enter(Client(), bob.email, "wrong", "198.51.100.9")
            LoginThrottle.objects.filter(failures__lt=50).update(failures=6)
        row = LoginThrottle.objects.order_by("-failures").first()
        assert row is not None
        before = row.failures
        enter(Client(), alice.email, PASSWORD, "198.51.100.9")
        row.refresh_from_db()
        assert row.failures >= before - 1

    def test_waiting_ends(self, alice: User) -> None:
        for _ in range(8):
            enter(Client(), alice.email, "wrong")
        assert not enter(Client(), alice.email, PASSWORD)
        LoginThrottle.objects.update(last_at=timezone.now() - timedelta(minutes=15, seconds=1))
        assert enter(Client(), alice.email, PASSWORD)

    def test_it_says_how_long(self, alice: User) -> None:
        LoginThrottle.objects.all().delete()
        for _ in range(8):
            response = Client().post(
                reverse("account_login"), {"login": alice.email, "password": "x"}
            )
        assert "Wait a minute" in response.content.decode()

    def test_blanks_around_the_address_hide_no_try(
        self, client: Client, aalund: Tenant, alice: User
    ) -> None:
        enter(client, f"  {alice.email} ", "wrong")
        enter(client, f"{alice.email}\0", "wrong")
        with tenant_context(aalund.pk):
            refused = AuditEntry.objects.filter(event="session.refused", actor_id=alice.pk)
            assert refused.count() == 2

    def test_unknown_and_known_accounts_answer_alike(self, alice: User) -> None:
        told = [
            Client()
            .post(reverse("account_login"), {"login": email, "password": "wrong wrong"})
            .content.decode()
            .replace(email, "")
            for email in (alice.email, "nobody@aalund.example")
        ]
        marks = [text.split("csrfmiddlewaretoken")[0].split("X-CSRFToken")[0] for text in told]
        assert marks[0] == marks[1]
        assert told[0].count("not correct") == told[1].count("not correct") == 1

    def test_what_is_past_is_swept(self, alice: User) -> None:
        enter(Client(), alice.email, "wrong")
        LoginThrottle.objects.update(last_at=timezone.now() - timedelta(hours=2))
        assert "ready.accounts.upkeep" in {one.__name__ for one in keepers()}  # type: ignore[attr-defined]
        assert list(upkeep.upkeep(timezone.now())) == []
        assert not LoginThrottle.objects.exists()


def _stranger(email: str, address: str) -> list[throttle.Bucket]:
    request = Client().get("/healthz/live", REMOTE_ADDR=address).wsgi_request
    return list(throttle.buckets(request, email))


class TestAddresses:
    def test_a_home_is_one_address(self) -> None:
        assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff")
        assert neighbourhood("2001:db8:0:1::1") != neighbourhood("2001:db8::1")
        assert neighbourhood("::ffff:203.0.113.5") == "203.0.113.5"


class TestSecondFactor:
    @pytest.fixture(autouse=True)
    def _clock_that_stands(self) -> Iterator[None]:
        """A code lasts 30 seconds, and a busy machine takes longer."""
        with time_machine.travel(datetime(2026, 6, 1, 12, tzinfo=UTC), tick=False):
            yield

    @pytest.fixture
    def app(self, alice: User) -> Authenticator:
        made: Authenticator = TOTP.activate(alice, SECRET).instance
        return made

    def test_a_password_alone_opens_nothing(self, client: Client, alice: User, app: object) -> None:
        response = client.post(
            reverse("account_login"), {"login": alice.email, "password": PASSWORD}
        )
        assert response["Location"] == reverse("mfa_authenticate")
        assert client.get("/t/aalund/")["Location"].startswith("/accounts/login/")
        client.post(reverse("mfa_authenticate"), {"code": code()})
        assert client.get("/t/aalund/").status_code == 200

    def test_a_code_works_once(self, client: Client, alice: User, app: object) -> None:
        cache.clear()
        used = code()
        for expected in (200, 302):
            other = Client()
            other.post(reverse("account_login"), {"login": alice.email, "password": PASSWORD})
            other.post(reverse("mfa_authenticate"), {"code": used})
            assert other.get("/t/aalund/").status_code == expected

    def test_guessing_codes_ends(self, client: Client, alice: User, app: object) -> None:
        cache.clear()
        client.post(reverse("account_login"), {"login": alice.email, "password": PASSWORD})
        for _ in range(6):
            client.post(reverse("mfa_authenticate"), {"code": "000000"})
        client.post(reverse("mfa_authenticate"), {"code": code()})
        assert client.get("/t/aalund/").status_code == 302

    def test_a_recovery_code_works_once(self, alice: User, app: object) -> None:
        cache.clear()
        recovery = RecoveryCodes.activate(alice).generate_codes()[0]
        for expected in (200, 302):
            client = Client()
            client.post(reverse("account_login"), {"login": alice.email, "password": PASSWORD})
            client.post(reverse("mfa_authenticate"), {"code": recovery})
            assert client.get("/t/aalund/").status_code == expected

    def test_its_secret_is_sealed(self, app: Authenticator) -> None:
        assert SECRET not in str(app.data)
        assert open_text(app.data["secret"], purpose="second factor") == SECRET
        with pytest.raises(SealBroken):
            open_text(app.data["secret"], purpose="identity provider")
        with pytest.raises(SealBroken):
            open_text(seal_text("x", purpose="second factor")[:-8], purpose="second factor")

    def test_it_survives_another_master_key(
        self, client: Client, alice: User, aalund: Tenant, app: Authenticator, settings: Settings
    ) -> None:
        cache.clear()
        RecoveryCodes.activate(alice)
        with tenant_context(aalund.pk):
            IdentityProvider.objects.create(
                name="x",
                issuer="https://id.example",
                client_id="ready",
                sealed_secret=seal_text("s3cret", purpose=provider_purpose(aalund.pk)).encode(),
            )
        settings.MASTER_KEYS_OLD = [settings.MASTER_KEY]
        settings.MASTER_KEY = base64.b64encode(b"another master key of 32 bytes!!").decode()
        said = io.StringIO()
        call_command("rotate_keys", stdout=said)
        assert "second factors: 2 sealed anew, 0 were already, 0 do not open" in said.getvalue()
        assert "aalund: single sign-on: 1 sealed anew" in said.getvalue()
        settings.MASTER_KEYS_OLD = []
        call_command("rotate_keys", stdout=said)
        assert "second factors: 0 sealed anew, 2 were already, 0 do not open" in said.getvalue()
        with tenant_context(aalund.pk):
            sealed = bytes(IdentityProvider.objects.get().sealed_secret).decode()
            assert AuditEntry.objects.filter(event="keys.rotated").exists()
        assert open_text(sealed, purpose=provider_purpose(aalund.pk)) == "s3cret"
        client.post(reverse("account_login"), {"login": alice.email, "password": PASSWORD})
        client.post(reverse("mfa_authenticate"), {"code": code()})
        assert client.get("/t/aalund/").status_code == 200

    def test_a_lost_master_key_is_said(self, app: object, settings: Settings) -> None:
        settings.MASTER_KEY = base64.b64encode(b"another master key of 32 bytes!!").decode()
        with pytest.raises(CommandError, match="1 do not open"):
            call_command("rotate_keys", stdout=io.StringIO())

    @pytest.mark.parametrize(
        ("role", "wanted"),
        [(Role.USER, False), (Role.SUPER_USER, False), (Role.ADMINISTRATOR, True)],
    )
    def test_who_must_have_one_is_led_to_set_it_up(
        self,
        client: Client,
        settings: Settings,
        aalund: Tenant,
        bob: User,
        role: Role,
        wanted: bool,
    ) -> None:
        settings.REQUIRE_SECOND_FACTOR = True
        with tenant_context(aalund.pk):
            Membership.objects.filter(user=bob).update(role=role)
        log_in(client, bob)
        response = client.get("/t/aalund/")
        assert (response.status_code == 302) is wanted
        if wanted:
            assert response["Location"] == reverse("mfa_index")
            assert client.get(reverse("mfa_index")).status_code == 200
            TOTP.activate(bob, SECRET)
            assert client.get("/t/aalund/").status_code == 200

    def test_a_password_is_no_fresh_proof_for_who_has_one(
        self, client: Client, alice: User, bob: User, app: object
    ) -> None:
        act = reverse("configuration:disable_user", args=["aalund", bob.pk])
        log_in(client, alice)
        assert client.post(act)["Location"].startswith(reverse("mfa_reauthenticate"))
        log_in(client, alice, method="mfa")
        client.post(act)
        assert client.get(reverse("configuration:user", args=["aalund", bob.pk])).content.count(
            b"Let in again"
        )

    def test_a_password_does_not_lead_to_taking_it_off(
        self, client: Client, alice: User, app: object
    ) -> None:
        log_in(client, alice)
        address = reverse("account_reauthenticate")
        for response in (client.get(address), client.post(address, {"password": PASSWORD})):
            assert response["Location"].startswith(reverse("mfa_reauthenticate"))
        client.post(reverse("mfa_deactivate_totp"))
        assert Authenticator.objects.filter(user=alice, type="totp").exists()

    def test_guessing_the_old_password_in_json_ends(self, client: Client, alice: User) -> None:
        """Answers of 400 are counted, too: undoing them would undo the count."""
        log_in(client, alice)
        wrong = {"oldpassword": "wrong", "password1": "x", "password2": "x"}
        statuses = [
            client.post(
                reverse("account_change_password"), wrong, headers={"Accept": "application/json"}
            ).status_code
            for _ in range(7)
        ]
        assert statuses[0] == 400
        assert statuses[-1] == 429


class TestTrail:
    """Who tries at the walls of an account that is open already."""

    def told(self, tenant: Tenant) -> list[tuple[str, str]]:
        with tenant_context(tenant.pk):
            return list(AuditEntry.objects.order_by("pk").values_list("event", "outcome"))

    def test_a_proof_refused_and_given(self, client: Client, aalund: Tenant, alice: User) -> None:
        log_in(client, alice)
        for password in ("wrong", PASSWORD):
            client.post(reverse("account_reauthenticate"), {"password": password})
        assert self.told(aalund) == [("session.proof_refused", "denied"), ("session.proved", "ok")]

    def test_a_code_refused(self, client: Client, aalund: Tenant, alice: User) -> None:
        TOTP.activate(alice, SECRET)
        log_in(client, alice)
        client.post(reverse("mfa_reauthenticate"), {"code": "000000"})
        assert self.told(aalund) == [("session.proof_refused", "denied")]

    @pytest.mark.parametrize("accept", ["text/html", "application/json"])
    def test_a_wrong_old_password(
        self, client: Client, aalund: Tenant, alice: User, accept: str
    ) -> None:
        log_in(client, alice)
        new = "grøn trappe under havet"
        for old in ("wrong", PASSWORD):
            client.post(
                reverse("account_change_password"),
                {"oldpassword": old, "password1": new, "password2": new},
                headers={"accept": accept},
            )
        assert self.told(aalund) == [
            ("person.account_change_refused", "denied"),
            ("person.account_changed", "ok"),
        ]

    def test_a_flood_of_log_ins_does_not_fill_it(
        self, client: Client, aalund: Tenant, alice: User
    ) -> None:
        for _ in range(140):
            client.post(reverse("account_login"), {"login": alice.email, "password": "wrong"})
        assert len(self.told(aalund)) == 101


class TestSessions:
    def test_a_log_in_makes_a_new_session(self, client: Client, alice: User) -> None:
        client.get(reverse("account_login"))
        client.session["planted"] = "by an attacker"
        session = client.session
        session["planted"] = "by an attacker"
        session.save()
        before = session.session_key
        enter(client, alice.email, PASSWORD)
        assert client.session.session_key != before

    def test_a_new_password_ends_the_others(self, alice: User) -> None:
        here, there = Client(), Client()
        for client in (here, there):
            assert enter(client, alice.email, PASSWORD)
        here.post(
            reverse("account_change_password"),
            {
                "oldpassword": PASSWORD,
                "password1": "grøn trappe under havet",
                "password2": "grøn trappe under havet",
            },
        )
        assert here.get("/t/aalund/").status_code == 200
        assert there.get("/t/aalund/").status_code == 302

    def test_one_sees_and_ends_ones_own(self, alice: User, bob: User) -> None:
        here, there, bobs = Client(), Client(), Client()
        for client, person in ((here, alice), (there, alice), (bobs, bob)):
            assert enter(client, person.email, PASSWORD)
        page = here.get(reverse("accounts:profile")).content.decode()
        assert page.count('name="session"') == 1
        other = UserSession.objects.get(session_key=there.session.session_key)
        foreign = UserSession.objects.get(session_key=bobs.session.session_key)
        for pk in (other.pk, foreign.pk, "x", ""):
            here.post(reverse("accounts:end_session"), {"session": pk})
        assert there.get("/t/aalund/").status_code == 302
        assert bobs.get("/t/aalund/").status_code == 200, "ended somebody else's session"

    def test_an_idle_session_ends(self, alice: User) -> None:
        client = Client()
        assert enter(client, alice.email, PASSWORD)
        assert client.get("/t/aalund/").status_code == 200
        UserSession.objects.update(last_seen_at=timezone.now() - timedelta(minutes=61))
        assert client.get("/t/aalund/").status_code == 302

    def test_a_disabled_persons_session_is_dead(self, client: Client, alice: User) -> None:
        log_in(client, alice)
        User.objects.filter(pk=alice.pk).update(is_active=False)
        assert client.get("/t/aalund/").status_code == 302

    def test_a_device_in_two_words(self) -> None:
        firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
        assert sessions.device_of(firefox) == "Firefox, Windows"
        assert sessions.device_of("curl/8.0") == "curl/8.0"


@pytest.mark.parametrize(
    "password",
    [
        "short one",  # too short
        "qwerty123456",  # a common one
        "abababababab",
        "fjernvarme2026!",
        "1234567890qwertyuiop",
        "password-password",
        "Sommer2026Vinter2025",
    ],
)
def test_bad_passwords(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, User(email="nora@aalund.example", name="Nora"))


@pytest.mark.parametrize(
    "password", ["grøn trappe under havet", PASSWORD, "correct horse battery", "æøåæøåkjslwx9"]
)
def test_good_passwords(password: str) -> None:
    validate_password(password, User(email="nora@aalund.example", name="Nora"))
