"""Keys for a Django project: BearerAuth stands around the WSGI application, as in ``wsgi.py``.

Scopes stand in ``rules``: an error that is raised in a view would be Django's to answer.

export BEARER_AUTH_STORE=sqlite:///keys.db
KEY=$(bearer-auth keys create --user user_123 --scope reports:write)
python django_app.py &
curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8000/me
"""

import json
from wsgiref.simple_server import make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.utils.functional import SimpleLazyObject
from django.views.decorators.csrf import csrf_exempt

from bearer_auth import BearerAuth, Rule, get_principal
from bearer_auth.stores.sql import SQLStore

settings.configure(
    SECRET_KEY="only for this example",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    MIDDLEWARE=[f"{__name__}.user_of_key"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "app.db"}},
)
django.setup()
call_command("migrate", verbosity=0)


def user_of_key(get_response):
    """Django middleware: ``request.user`` is the user whose name is the key's user_id."""
    from django.contrib.auth.models import User

    def middleware(request):
        def user():
            return User.objects.get_or_create(username=get_principal(request.META).user_id)[0]

        request.user = SimpleLazyObject(user)
        return get_response(request)

    return middleware


def docs(request):
    return HttpResponse("Send your key as Authorization: Bearer KEY")


def me(request):
    return JsonResponse({"user": request.user.username, "name": request.user.get_full_name()})


@csrf_exempt  # no browser sends a key by itself, so another site can't make it do so
def create_report(request):
    title = json.loads(request.body)["title"]
    return JsonResponse({"title": title, "author": request.user.username})


urlpatterns = [path("docs", docs), path("me", me), path("reports", create_report)]

application = BearerAuth(
    get_wsgi_application(),
    SQLStore("sqlite:///keys.db"),
    public=["/docs"],
    rules=[Rule("/reports", methods=["POST"], scopes=["reports:write"])],
)

if __name__ == "__main__":
    make_server("127.0.0.1", 8000, application).serve_forever()
