"""Customers make their own keys: the dashboard in a Django project, beside its sessions and users.

People log in (ada or bob, both with "correct horse") and make a key at /keys; programs send it to
the API. Nobody sees a key of somebody else.

python dashboard_django.py &
python -m webbrowser http://127.0.0.1:8000/keys
curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8000/me
"""

import json
from wsgiref.simple_server import make_server

import django
from django.conf import settings
from django.contrib.auth import get_user, get_user_model
from django.contrib.sessions.backends.db import SessionStore  # that of your SESSION_ENGINE
from django.core.handlers.wsgi import WSGIRequest
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.http import JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import TemplateView
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from bearer_auth import BearerAuth, Keyring, Rule, get_principal
from bearer_auth.dashboard import DashboardUser, Grants, create_dashboard
from bearer_auth.stores.sql import SQLStore

PAGES = {
    "home.html": '<a href="/keys">Keys</a>'
    '<form method=post action="/accounts/logout/">{% csrf_token %}<button>Log out</button></form>',
    "registration/login.html": "<form method=post>{% csrf_token %}{{ form }}"
    "<button>Log in</button></form>",
}

settings.configure(
    SECRET_KEY="only for this example",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {"loaders": [("django.template.loaders.locmem.Loader", PAGES)]},
        }
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "app.db"}},
    LOGIN_REDIRECT_URL="/",
    LOGOUT_REDIRECT_URL="/",
)
django.setup()
call_command("migrate", verbosity=0)
User = get_user_model()
for name in ("ada", "bob"):
    if not User.objects.filter(username=name).exists():
        User.objects.create_user(name, password="correct horse")


def user_of_key(request):
    return User.objects.get(pk=get_principal(request.META).user_id)


def me(request):
    return JsonResponse({"user": user_of_key(request).get_username()})


@csrf_exempt  # no browser sends a key by itself, so another site can't make it do so
def create_report(request):
    title = json.loads(request.body)["title"]
    return JsonResponse({"title": title, "author": user_of_key(request).get_username()})


urlpatterns = [
    path("", TemplateView.as_view(template_name="home.html")),
    path("accounts/", include("django.contrib.auth.urls")),
    path("me", me),
    path("reports", create_report),
]

store = SQLStore("sqlite:///keys.db")
application = BearerAuth(
    get_wsgi_application(),
    store,
    public=["/", "/accounts/*"],
    rules=[Rule("/reports", methods=["POST"], scopes=["reports:write"])],
)


# The dashboard. It asks Django's session who somebody is, at each request.
def identify(environ):
    request = WSGIRequest(environ)
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    try:
        user = get_user(request)
    finally:
        close_old_connections()  # as Django does after each request of its own
    return DashboardUser(str(user.pk), name=user.get_username()) if user.pk else None


dashboard = create_dashboard(
    Keyring(store),
    identify,
    grants=Grants(scopes=["reports:write"]),
    login_url="/accounts/login/",
)
# Outside of the keys: these pages are for people who are logged in.
application = DispatcherMiddleware(application, {"/keys": dashboard})

if __name__ == "__main__":
    make_server("127.0.0.1", 8000, application).serve_forever()
