"""The API as an OpenAPI document: what it does itself is written here, and ``bearer_auth.openapi``
adds keys, headers and errors."""

from typing import Any

from bearer_auth import InvalidRequest, openapi

from .errors import NotFound

ENSEMBLE = {
    "name": "ensemble",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "pattern": r"^[^/]+$"},
}

EXECUTED = {
    "type": "object",
    "required": ["success", "output"],
    "properties": {
        "success": {"const": True},
        "output": {
            "type": "object",
            "required": ["ensemble", "input"],
            "properties": {"ensemble": {"type": "string"}, "input": {}},
        },
    },
}


def document() -> dict[str, Any]:
    done = answer("What the ensemble has made of it.", "application/json", EXECUTED)
    page = answer("The page.", "text/html", {"type": "string"})
    execution = {"scopes": ["ensembles:execute"], "raises": [NotFound]}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Conductor", "version": "1"},
        "paths": {
            "/health": openapi.health_path(),
            "/execute/{ensemble}": {
                "parameters": [ENSEMBLE],
                "get": openapi.operation({"operationId": "run", "responses": done}, **execution),
                "post": openapi.operation(
                    {
                        "operationId": "execute",
                        "requestBody": {
                            "required": True,
                            "content": {
                                "application/json": {
                                    "schema": {
                                        "type": "object",
                                        "required": ["input"],
                                        "properties": {"input": {}},
                                    }
                                }
                            },
                        },
                        "responses": done,
                    },
                    scopes=["ensembles:execute"],
                    idempotent=True,
                    raises=[NotFound, InvalidRequest],
                ),
            },
            "/admin": {
                "get": openapi.operation(
                    {"operationId": "admin", "responses": page}, scopes=["admin"]
                )
            },
            "/docs": {
                "get": openapi.operation(
                    {
                        "operationId": "docs",
                        "responses": answer("Authentication.", "text/markdown", {"type": "string"}),
                    },
                    public=True,
                )
            },
        },
        "components": openapi.components(errors=[NotFound()]),
    }


def answer(description: str, content_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"200": {"description": description, "content": {content_type: {"schema": schema}}}}
