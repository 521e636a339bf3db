"""What the logs must not say: secrets of mailed links, and what people searched for."""

import json
import logging

import pytest
from django.test import Client, RequestFactory

from ready.web.logs import JsonFormatter, SecretsFilter

RESET = "/accounts/password/reset/key/4-din3xr-13bc0203fcc0"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/invitation/aalund/S3CR3T", "/invitation/aalund/S3CR3T/", RESET])
@pytest.mark.parametrize("method", ["head", "put", "get", "post"])
def test_a_mailed_link_is_in_no_line(
    client: Client, caplog: pytest.LogCaptureFixture, path: str, method: str
) -> None:
    caplog.set_level("INFO")
    caplog.handler.addFilter(SecretsFilter())
    getattr(client, method)(path)
    assert caplog.records
    assert "S3CR3T" not in caplog.text
    assert "din3xr" not in caplog.text


def test_a_line_tells_no_query() -> None:
    record = logging.makeLogRecord({"msg": "Not Found: %s", "args": ("/t/aalund/x/",)})
    record.request = RequestFactory().get("/t/aalund/x/?q=Holm")
    record.status_code = 404
    told = json.loads(JsonFormatter().format(record))
    assert told["message"] == "Not Found: /t/aalund/x/"
    assert told["status_code"] == 404
    assert "Holm" not in json.dumps(told)
