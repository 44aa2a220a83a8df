"""An audit trail in your database: a sink of events that writes them to a table.

::

    from bearer_auth import BearerAuth, LoggingSink, Sinks
    from bearer_auth.audit import SQLEventSink

    app = BearerAuth(app, store, event_sink=Sinks(LoggingSink(), SQLEventSink(url)))

``bearer-auth events`` reads it. Rows are only ever added, and deleted once they are old.
"""

from .history import History
from .sql import SQLEventSink

__all__ = ["History", "SQLEventSink"]
