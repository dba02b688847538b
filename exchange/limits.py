"""Two guards that views refer to by name: the rate limiter and the protection against forged forms."""

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect

from exchange import identity

csrf = CSRFProtect()
limiter = Limiter(get_remote_address, storage_uri="memory://")

# Each fetch and each refused fetch is a record kept for ten years: nobody may write them without end.
FETCHES = "120 per minute; 2000 per hour"
# Drawing a contract as a PDF takes 0.3 seconds of a processor.
DRAWINGS = "60 per minute; 600 per hour"
# A bundle of the whole log reads every record.
EXPORTS = "6 per minute; 30 per hour"


def by_organisation() -> str:
    """Whose limit it is: the actor's organisation, or the address of a stranger."""
    actor = identity.actor()
    return get_remote_address() if actor is None else f"org:{actor.org_id}"
