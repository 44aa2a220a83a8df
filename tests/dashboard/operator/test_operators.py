"""What is told of signing in and out: who, from where, and nothing that a client wrote."""

import pytest

from bearer_auth.dashboard.operator.operators import Answer, Client
from bearer_auth.errors import StoreUnavailable

HERE = Client("192.0.2.7", "request-1")


@pytest.fixture
def operators(site, sink):
    sink.events.clear()
    return site[1]


def told(sink):
    return [(each.name, each.reason, dict(each.data)) for each in sink.events]


def test_signing_in_and_out_is_told_with_who_and_from_where(operators, sink):
    token = operators.sign_in("alice", "correct horse battery", HERE).token
    operators.sign_out(token, HERE)
    operators.sign_out(token, HERE)  # nobody was signed in any more
    assert told(sink) == [
        ("operator.signed_in", None, {"account": "alice", "how": "password"}),
        ("operator.signed_out", None, {"account": "alice"}),
    ]
    assert [(each.address, each.request_id) for each in sink.events] == [HERE, HERE]
    assert token not in repr(sink.events)


def test_a_link_is_told_too(operators, sink):
    link = operators.make_link("operator")
    assert operators.sign_in_by_link(link, HERE).token is not None
    assert operators.sign_in_by_link(link, HERE) == Answer()
    assert told(sink) == [
        ("operator.signed_in", None, {"account": "operator", "how": "link"}),
        ("operator.sign_in_refused", "link", {}),
    ]
    assert link not in repr(sink.events)


def test_a_refusal_names_an_account_only_if_there_is_one(operators, sink):
    operators.sign_in("alice", "wrong", HERE)
    operators.sign_in("my password in the wrong field", "wrong", HERE)
    assert told(sink) == [
        ("operator.sign_in_refused", "password", {"account": "alice"}),
        ("operator.sign_in_refused", "password", {}),
    ]


def test_too_many_attempts_are_told(operators, sink):
    for _ in range(11):
        answer = operators.sign_in("alice", "wrong", HERE)
    assert answer == Answer(wait_s=901)
    assert told(sink)[-1] == ("operator.sign_in_refused", "attempts", {})
    assert len(told(sink)) == 11


def test_a_new_password_is_told(operators, sink):
    operators.set_password("alice", "another horse battery")
    assert told(sink) == [("operator.password_set", None, {"account": "alice"})]
    assert "another horse" not in repr(sink.events)


def test_an_address_that_a_careless_proxy_let_a_client_write_is_not_kept(operators, sink):
    operators.sign_in("alice", "wrong", Client("<script>"))
    assert [each.address for each in sink.events] == [None]


def test_a_password_that_changes_while_it_is_checked_lets_nobody_in(operators, sink, monkeypatch):
    is_right = operators._passwords.is_right

    def changes(phc, password):
        right = is_right(phc, password)
        operators.set_password("alice", "another horse battery")
        return right

    monkeypatch.setattr(operators._passwords, "is_right", changes)
    assert operators.sign_in("alice", "correct horse battery", HERE) == Answer()
    assert told(sink)[-1] == ("operator.sign_in_refused", "password", {"account": "alice"})


def test_when_attempts_can_not_be_counted_no_password_is_checked(operators, monkeypatch):
    def away(*_):
        raise StoreUnavailable("away")

    monkeypatch.setattr(operators._throttle._storage, "take", away)
    with pytest.raises(StoreUnavailable):
        operators.sign_in("alice", "correct horse battery", HERE)


def test_a_known_and_an_unknown_account_cost_the_same_look_ups(operators, monkeypatch):
    seen = []
    for part, name in (("_throttle", "wait_s"), ("_accounts", "get"), ("_passwords", "is_right")):
        original = getattr(getattr(operators, part), name)
        monkeypatch.setattr(
            getattr(operators, part),
            name,
            lambda *given, original=original, name=name: seen.append(name) or original(*given),
        )
    operators.sign_in("alice", "wrong", HERE)
    operators.sign_in("bob", "wrong", HERE)
    assert seen == ["wait_s", "get", "is_right"] * 2
