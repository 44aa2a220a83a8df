"""All text of the pages, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from ..events import Event
from .chart import Day

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Texts:
    """What the pages say, in English. For another language, make a subclass and pass it to
    ``create_dashboard(texts=…)``.

    .. versionadded:: 0.1
    """

    lang = "en"

    # Around every page
    site = "API keys"
    skip = "Skip to the content"
    keys = "Keys"
    overview = "Overview"
    signed_in_as = "Signed in as"
    sign_out = "Sign out"

    # The list
    create_key = "Create key"
    search = "Search"
    search_hint = "Name, owner, or a key"
    search_hint_own = "Name, or a key"
    filters = "Filters"
    apply = "Show"
    clear = "Clear"
    every = "All"
    status = "Status"
    environment = "Environment"
    owner = "Owner"
    plan = "Plan"
    scope = "Scope"
    scopes = "Scopes"
    sort = "Order"
    attention = "Needs attention"
    name = "Name"
    created = "Created"
    last_used = "Last used"
    expires = "Expires"
    unnamed = "Unnamed key"
    no_scopes = "none"
    next_page = "Next page"
    first_page = "First page"
    look_further = "Look further"
    no_keys = "No keys yet"
    no_keys_text = "A key lets a program use the API in your name."
    nothing_found = "No key matches"
    nothing_found_text = "Try fewer filters."
    statuses: Mapping[str, str] = {
        "active": "Active",
        "suspended": "Suspended",
        "expired": "Expired",
        "revoked": "Revoked",
    }
    sorts: Mapping[str, str] = {
        "newest": "Newest first",
        "oldest": "Oldest first",
        "name": "By name",
        "expiry": "Ending soonest",
    }
    attentions: Mapping[str, str] = {
        "unused": "Not used for 90 days",
        "endless": "Without an end",
        "ending": "Ending within 7 days",
    }

    # A new key
    name_hint = "What will use it? For example: nightly backup"
    owner_hint = "The user_id of whoever the key is for"
    scopes_hint = "Choose only what it needs."
    scopes_free_hint = "Separated by blanks, such as ensembles:execute"
    lifetime = "Expires in"
    never = "Never"
    never_why = (
        "A key without an end stays valid until somebody revokes it, also when it has been "
        "forgotten or copied. Choose this only for a program that you can't give a new key."
    )
    never_sure = "I want a key without an end"
    never_unsure = "To make a key without an end, tick the box that says so."
    too_many = "You have as many keys as one person may have. Revoke one that isn't used any more."
    not_granted = "That choice is not open to you. Choose again."
    cancel = "Cancel"

    # The key, once
    key_created = "Key created"
    key_rotated = "Key rotated"
    once = "Copy the key now. It is shown this one time and can't be looked up again."
    gone = "The key was shown here once. If you didn't copy it, rotate it."
    your_key = "Your key"
    copy = "Copy"
    copied = "Copied"
    download = "Download .env"
    try_it = "Try it"
    done = "Done"
    earlier_lives = "The earlier secret is valid for a while yet:"
    earlier_ended = "The earlier secret is not valid any more."

    # One key
    rotate = "Rotate"
    revoke = "Revoke"
    facts = "Details"
    secrets = "Secrets"
    current = "Current secret"
    earlier = "Earlier secret"
    end_grace = "End grace now"
    end_grace_why = "Programs that still send the earlier secret are refused at once."
    use = "Use"
    history = "History"
    no_history = "Nothing is known of what happened to this key."
    older = "Older"
    key_id = "Id"
    allowed_ips = "Allowed addresses"
    revoked_at = "Revoked"
    reason = "Reason"
    metadata = "Metadata"
    ended: Mapping[str, str] = {
        "revoked": "This key is revoked. It is refused everywhere, from now on and for good.",
        "grace": "The grace is over. Only the current secret is valid.",
    }

    # Rotating
    rotate_title = "Rotate this key"
    rotate_text = (
        "The key gets a new secret, which is shown once. Its name, scopes and history stay. The "
        "present secret goes on working for as long as you choose, so that programs can be changed "
        "one after the other."
    )
    grace = "Grace period"
    graces: Mapping[int, str] = {
        0: "None: the present secret ends at once",
        3600: "1 hour",
        86_400: "24 hours",
        604_800: "7 days",
    }
    rotate_key = "Rotate key"

    # Revoking
    revoke_title = "Revoke this key"
    revoke_text = (
        "Every program that sends this key is refused at once, in all places. This is final: the "
        "key can't be brought back."
    )
    used_lately = "It was used within the last day, so something depends on it."
    confirm_word = "revoke"
    confirm = "Type “revoke” to confirm"
    confirm_wrong = "Type the word “revoke” to confirm."
    reason_hint = "For the history, if you like"
    revoke_key = "Revoke key"
    revoke_all = "Revoke all keys of this owner"
    revoke_all_title = "Revoke all keys of an owner"
    revoke_all_button = "Revoke all keys"
    revoke_all_text = (
        "All of them end at once, in all places, those included that are made meanwhile. This is "
        "final."
    )
    confirm_owner = "Type the owner to confirm"
    confirm_owner_wrong = "That is not the owner."

    # The overview
    use_of_all = "Use in the last 30 days"
    use_by_day = "Use by day"
    all_well = "Nothing needs attention"
    all_well_text = "All keys are in use, have an end, and none of them ends within a week."
    many_refusals = "Often refused in the last 7 days"
    show_all = "Show all"

    # What goes wrong: a title and a sentence
    errors: Mapping[int, tuple[str, str]] = {
        400: (
            "That form can't be used",
            "It is too old, or was made for somebody else. Go back, reload the page and try again.",
        ),
        401: ("You are not signed in", "Sign in to the site that this page belongs to."),
        403: (
            "That came from another site",
            "Forms are taken from the pages of this site only. (Behind a proxy: see ProxyFix.)",
        ),
        404: ("There is no such page", "There is no such key, or it isn't yours."),
        405: ("That can't be done here", "Go back and use the buttons of the page."),
        413: ("That is too long", "Go back and send less."),
        429: ("Too many tries", "Wait a few minutes, then try again."),
        500: ("Something is broken here", "It has been written to the log. Nothing was let in."),
        503: (
            "The keys can't be reached",
            "The database doesn't answer. Look again in a moment whether it was done.",
        ),
    }
    sent_twice = (
        "That was sent already",
        "It was done the first time. A key is shown once: if you didn't copy it, rotate it.",
    )
    inactive = ("That key has ended", "It is revoked or expired, so it can't be changed.")
    rotating = (
        "An earlier rotation is still running",
        "The earlier secret is still valid. End its grace first, or rotate without a grace.",
    )
    changed = ("Somebody else changed that", "Look at it again, then try once more.")

    def days(self, count: int) -> str:
        """A lifetime."""
        return "1 year" if count == 365 else f"{count} day{'' if count == 1 else 's'}"

    def expiry(self, at: datetime | None, now: datetime) -> str:
        """When a key ends, as a sentence."""
        if at is None:
            return "never expires"
        if at <= now:
            return f"expired {self.span(now - at)} ago"
        return f"expires in {self.span(at - now)}"

    def secret_ends(self, at: datetime, now: datetime) -> str:
        """When an earlier secret ends."""
        if at <= now:
            return f"ended {self.span(now - at)} ago"
        return f"valid for another {self.span(at - now)}"

    def used(self, at: datetime | None, now: datetime) -> str:
        """When something was used last."""
        return "never used" if at is None else f"last used {self.ago(at, now)}"

    def ago(self, at: datetime, now: datetime) -> str:
        """How long ago something was."""
        return "just now" if now - at < MINUTE else f"{self.span(now - at)} ago"

    def span(self, length: timedelta) -> str:
        """A length of time in its largest unit, rounded down; what lacks half a minute is whole."""
        length += MINUTE / 2
        for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
            count = length // unit
            if count:
                return f"{count} {name}{'' if count == 1 else 's'}"
        return "less than a minute"

    def moment(self, at: datetime) -> str:
        """A time in UTC; the page's script turns it into the reader's zone."""
        return f"{at.day} {at:%b %Y}"

    def exact(self, at: datetime) -> str:
        """The same to the second."""
        return f"{at:%Y-%m-%d %H:%M:%S} UTC"

    def first_so_many(self, count: int) -> str:
        """That a list may not be all."""
        return f"Looked at {count:,} keys so far; there may be more behind them."

    def more_than(self, count: int) -> str:
        """A number that was not counted to its end."""
        return f"more than {count}"

    def uses_and_refusals(self, uses: int, refusals: int) -> str:
        """The sum of a chart."""
        refused = "" if not refusals else f", {refusals:,} refused"
        return f"{uses:,} request{'' if uses == 1 else 's'} in 30 days{refused}"

    def chart_day(self, day: Day) -> str:
        """One bar of a chart."""
        uses = f"{day.uses:,} use{'' if day.uses == 1 else 's'}"
        refusals = f"{day.refusals:,} refusal{'' if day.refusals == 1 else 's'}"
        return f"{day.date} (UTC): {uses}, {refusals}"

    def chart_days(self, days: Sequence[Day]) -> str:
        """A chart, for who doesn't see its bars."""
        busiest = max(days, key=lambda day: day.total)
        return f"{days[0].date} to {days[-1].date} (UTC). Most on {self.chart_day(busiest)}."

    def all_revoked(self, count: int) -> str:
        """What a bulk did."""
        return f"{count} key{'' if count == 1 else 's'} revoked."

    def live_keys(self, count: int, more: bool) -> str:
        """How many keys a bulk would end."""
        if count == 1 and not more:
            return "1 key that is not revoked yet"
        return f"{self.more_than(count) if more else count} keys that are not revoked yet"

    def refused(self, count: int) -> str:
        """How often a key was refused."""
        return f"{count:,} time{'' if count == 1 else 's'}"

    def event(self, event: Event) -> str:
        """What happened, in a few words."""
        text = self.events.get(event.name, event.name)
        if event.name == "request.refused":
            text = f"{text} ({event.status}, {event.reason})"
        elif event.name == "key.revoked" and event.reason:
            text = f"{text}: {event.reason}"
        return text

    events: Mapping[str, str] = {
        "key.created": "Created",
        "key.imported": "Imported",
        "key.updated": "Changed",
        "key.suspended": "Suspended",
        "key.resumed": "Resumed",
        "key.rotated": "Rotated",
        "key.rotation_finished": "Grace ended",
        "key.revoked": "Revoked",
        "key.purged": "Deleted",
        "key.alias_used": "Sent in another header",
        "key.expiring": "Found to end soon",
        "key.idle": "Found to be unused",
        "request.refused": "Refused",
        "request.overtaken": "Overtaken by a repeat",
        "request.authenticated": "Used",
        "request.replayed": "Repeat answered",
    }
    by = "by"
    from_ = "from"
