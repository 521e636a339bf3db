"""Addresses of e-mail that people type in: with a domain's name, never a computer's number."""

from django import forms
from django.core.validators import EmailValidator


class _DomainName(EmailValidator):
    """Django's, without its addresses in brackets ("a@[127.0.0.1]") and its bare "localhost": a
    mail server would be led to a computer of the network behind it."""

    def validate_domain_part(self, domain_part: str) -> bool:
        return bool(self.domain_regex.match(domain_part))


validate_address = _DomainName(allowlist=[])


class AddressField(forms.EmailField):
    """An address of e-mail at a domain."""

    default_validators = [validate_address]  # noqa: RUF012  Django's own attribute
