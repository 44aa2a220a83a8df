"""``python -m bearer_auth.cli``: the same as the command ``bearer-auth``."""

from . import main

if __name__ == "__main__":
    main()
