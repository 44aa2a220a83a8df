"""All text of the pages to sign in on."""

from __future__ import annotations

import math


class OperatorTexts:
    """What the pages to sign in on say, in English. For another language, make a subclass and pass
    it to ``create_operator_dashboard(sign_in_texts=…)``.

    .. versionadded:: 0.1
    """

    title = "Sign in"
    account = "Account"
    password = "Password"  # noqa: S105 (the label of a field)
    sign_in = "Sign in"
    by_link = "No password, or forgotten? Make a link to sign in by, on the server:"
    by_link_command = "bearer-auth dashboard link"
    wrong = "The account or the password is wrong."
    link_text = "This link signs you in once."
    link_button = "Sign in"
    link_dead_title = "This link can't be used"
    link_dead = "It was used already, or is older than ten minutes. Make a new one, on the server:"
    other_way = "Sign in with a password"

    def wait(self, seconds: int) -> str:
        """That there were too many attempts."""
        minutes = math.ceil(seconds / 60)
        unit = "minute" if minutes == 1 else "minutes"
        return (
            f"There were too many attempts. Wait {minutes} {unit}, or sign in by a link, which "
            "works at any time."
        )
