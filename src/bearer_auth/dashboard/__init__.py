"""The browser's door: people generate, rotate and revoke keys on pages of your own site.

::

    from bearer_auth.dashboard import DashboardUser, Grants, create_dashboard

    def identify(environ):
        user = user_of_the_session(environ)
        return None if user is None else DashboardUser(user.id, plan=user.plan)

    dashboard = create_dashboard(keyring, identify, login_url="/login")
    application = DispatcherMiddleware(application, {"/keys": dashboard})

``bearer-auth dashboard`` serves the same pages to whoever runs the API.
"""

from __future__ import annotations

try:
    from .app import create_dashboard
except ModuleNotFoundError as error:
    if (error.name or "").startswith("bearer_auth"):
        raise
    raise ImportError(
        f'bearer_auth.dashboard needs {error.name}: pip install "bearer_auth[dashboard]"'
    ) from error
from .grants import Grants
from .people import DashboardUser
from .texts import Texts

__all__ = ["DashboardUser", "Grants", "Texts", "create_dashboard"]
