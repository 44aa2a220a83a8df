import sys

import pytest

import bearer_auth.cli

LINE = 'bearer-auth needs click and rich: pip install "bearer_auth[cli]"'


def test_without_click_one_line_names_the_extra(monkeypatch):
    monkeypatch.delitem(sys.modules, "bearer_auth.cli.app", raising=False)
    monkeypatch.setitem(sys.modules, "click", None)
    with pytest.raises(SystemExit) as raised:
        bearer_auth.cli.main()
    assert raised.value.code == LINE  # sys.exit prints text on stderr and exits with 1


def test_without_click_the_process_exits_with_1(shell):
    code = "import sys; sys.modules['click'] = None; from bearer_auth.cli import main; main()"
    script = f'{sys.executable} -c "{code}"'
    result = shell(script)
    assert (result.returncode, result.stderr, result.stdout) == (1, LINE + "\n", "")


def test_another_module_that_is_missing_is_not_blamed_on_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "bearer_auth.cli.app", None)
    with pytest.raises(ImportError):
        bearer_auth.cli.main()


@pytest.mark.parametrize("code", [0, 3])
def test_the_process_exits_with_the_code_of_the_command(monkeypatch, code):
    monkeypatch.setattr("bearer_auth.cli.app.run", lambda: code)
    with pytest.raises(SystemExit) as raised:
        bearer_auth.cli.main()
    assert raised.value.code == code


def test_ctrl_c_while_modules_are_imported_is_silent(monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr("bearer_auth.cli.app.run", interrupted)
    with pytest.raises(SystemExit) as raised:
        bearer_auth.cli.main()
    assert raised.value.code == 130
