"""The dashboard for whoever runs the API, with a sign-in of its own.

::

    store = SQLStore(url)
    sink = SQLEventSink(url)
    application = create_operator_dashboard(store, events=sink, event_sink=sink)

``bearer-auth dashboard`` serves it.
"""

from __future__ import annotations

from .app import create_operator_dashboard
from .operators import Operators
from .texts import OperatorTexts

__all__ = ["OperatorTexts", "Operators", "create_operator_dashboard"]
