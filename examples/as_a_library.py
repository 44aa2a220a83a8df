"""Keys with no web server in sight: a queue's worker, a websocket, a mail robot."""

from datetime import timedelta

from bearer_auth import Authenticator, InsufficientScope, InvalidToken, Keyring, MemoryStore

store = MemoryStore()
keyring = Keyring(store)
authenticator = Authenticator(store)

issued = keyring.create(
    user_id="user_123", plan="pro", scopes=["jobs:run"], expires_in=timedelta(days=90)
)
print("issued to", issued.record.user_id)

principal = authenticator.authenticate(issued.token)
print("accepted:", principal.user_id, principal.plan, *principal.scopes)

try:
    principal.require_scopes("jobs:delete")
except InsufficientScope as error:
    print("not allowed:", *error.scopes)

rotated = keyring.rotate(issued.key_id, grace=timedelta(hours=1))
print("the new token works:", authenticator.authenticate(rotated.token).user_id)
print("the old one still does:", authenticator.authenticate(issued.token).user_id)

keyring.revoke(issued.key_id, reason="left the company")
for token in (issued.token, rotated.token):
    try:
        authenticator.authenticate(token)
    except InvalidToken as error:
        print("refused:", error.reason)

authenticator.close()
