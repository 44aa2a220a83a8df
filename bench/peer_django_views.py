"""The same view three times: without a check, and behind each of the two peers."""

from __future__ import annotations

from typing import Any

from django.urls import path
from knox.auth import TokenAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_api_key.permissions import HasAPIKey


class Plain(APIView):
    authentication_classes: Any = ()
    permission_classes: Any = ()

    def get(self, request: Any) -> Response:
        return Response({"success": True})


class BehindAPIKey(Plain):
    permission_classes = (HasAPIKey,)


class BehindKnox(Plain):
    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAuthenticated,)


urlpatterns = [
    path("plain", Plain.as_view()),
    path("api-key", BehindAPIKey.as_view()),
    path("knox", BehindKnox.as_view()),
]
