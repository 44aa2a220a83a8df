"""Where somebody goes after signing in: nowhere else than into the dashboard."""

import pytest

from bearer_auth.dashboard.operator.next_page import inside


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("/", ""),
        ("/keys/AbCdEfGh01234567?after=x%20y&sort=name", ""),
        ("/admin/", "/admin"),
        ("/admin/keys?q=https://evil.example/", "/admin"),
        ("/a%20b/keys", "/a b"),
    ],
)
def test_pages_of_the_dashboard(url, root):
    assert inside(url, root) == url


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("", ""),
        ("keys", ""),
        ("https://evil.example/", ""),
        ("//evil.example/", ""),
        ("///evil.example/", ""),
        ("/\\evil.example/", ""),
        ("\\\\evil.example/", ""),
        ("/%5cevil.example/", ""),
        ("/%2f/evil.example/", ""),
        ("/.//evil.example/", ""),
        ("/\t/evil.example/", ""),
        ("/\n/evil.example/", ""),
        (" //evil.example/", ""),
        ("/a\r\nSet-Cookie: a=b", ""),
        ("javascript:alert(1)", ""),
        ("/keys#fragment", ""),
        ("/admin/../other", "/admin"),
        ("/admin/%2e%2e/other", "/admin"),
        ("/administrator", "/admin"),
        ("/admin", "/admin"),
        ("/other", "/admin"),
    ],
)
def test_threat_open_redirect_all_else_leads_nowhere(url, root):
    assert inside(url, root) is None
