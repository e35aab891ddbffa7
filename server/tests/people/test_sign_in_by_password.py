"""Passwords and codes: taking an invitation with them, signing in, and what is refused."""

from __future__ import annotations

import pytest

from tests.support.api import ApiServer
from tests.support.people import joined


@pytest.fixture
def account(api_server: ApiServer) -> str:
    return api_server.open_account().account


def test_an_invitation_is_taken_with_a_password_and_codes(
    api_server: ApiServer, account: str
) -> None:
    visitor, email = joined(api_server.database_url, api_server.url, account)
    assert email in visitor.page
    assert account in visitor.page
