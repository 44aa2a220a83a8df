"""The pages, one file for each thing that people do."""

from .create import create
from .key import key
from .keys import keys
from .overview import overview
from .revoke import revoke
from .rotate import rotate

blueprints = (keys, create, key, rotate, revoke, overview)
