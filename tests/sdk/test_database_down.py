"""The database of the API stops and comes back within one call."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from ..faults.own_servers import OwnPostgreSQL
from .site import Site

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def database():
    database = OwnPostgreSQL()
    try:
        database.make()
        yield database
    finally:
        database.remove()


@pytest.fixture(scope="module")
def site(database, tmp_path_factory):
    """The site, over that database."""
    site = Site(tmp_path_factory.mktemp("conductor-postgresql"), database.url)
    yield site
    database.recover()
    site.close()


@contextmanager
def stopped(database):
    database.stop()
    try:
        yield
    finally:
        database.start()


def test_503_while_it_is_down_and_success_once_it_is_back(sdk, site, database, ensemble):
    caller = sdk(site.url, site.issue().token, max_retries=20)
    with ThreadPoolExecutor(1) as pool, stopped(database):
        call = pool.submit(caller.execute, ensemble, "once")
        line = caller.log.wait_for("trying again")
    done = call.result()
    assert line.startswith(f"POST {site.url}/execute/{ensemble}: 503 SERVICE_UNAVAILABLE; ")
    assert (done.error, done.replayed) == (None, False)
    *down, last = site.statuses(ensemble)
    assert set(down) == {503}
    assert last == 200
    assert len(site.runs(ensemble)) == 1


def test_without_retries_it_is_an_error_of_its_class(sdk, site, database, ensemble):
    caller = sdk(site.url, site.issue().token, max_retries=0)
    with stopped(database):
        refused = [caller.health(), caller.execute(ensemble)]
    for each in refused:
        assert (each.error, each.status) == ("ServiceUnavailableError", 503)
        assert (each.code, each.message) == (
            "SERVICE_UNAVAILABLE",
            "Service temporarily unavailable",
        )
    assert site.runs(ensemble) == []
