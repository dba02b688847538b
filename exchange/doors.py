"""All the doors: every noun's pages and JSON API, and the questions that lower nouns ask of higher ones.

Each view in them says who may enter; the application refuses to start with one that does not.
"""

from flask import Flask
from flask_smorest import Api

from exchange import fonts, health, home, looks, stops
from exchange.accounts import api as accounts_api
from exchange.accounts import keys_web, members_web, trust_api, trust_web
from exchange.accounts import web as accounts_web
from exchange.catalogue import api as catalogue_api
from exchange.catalogue import moderation_web, publish_web  # noqa: F401 - they add their views to web's blueprint
from exchange.catalogue import web as catalogue_web
from exchange.deliveries import api as deliveries_api
from exchange.deliveries import web as deliveries_web
from exchange.erasure import web as erasure_web
from exchange.ledger import web as ledger_web
from exchange.limits import csrf
from exchange.negotiations import api as negotiations_api
from exchange.negotiations import (
    consents_api,
    consents_web,  # noqa: F401 - it adds its views to web's blueprint
    contract_web,
    holds,
    life_api,  # noqa: F401 - it adds its views to api's blueprint
    life_web,  # noqa: F401 - and it to contract_web's
)
from exchange.negotiations import web as negotiations_web
from exchange.notices import api as notices_api
from exchange.notices import hooks_web
from exchange.notices import web as notices_web
from exchange.oauth import api as oauth_api
from exchange.oauth import server as oauth_server
from exchange.oauth import web as oauth_web
from exchange.oversight import api as oversight_api
from exchange.oversight import own_web, warrants
from exchange.oversight import web as oversight_web
from exchange.rooms import api as rooms_api
from exchange.rooms import (
    contract_rooms_api,
    contract_rooms_web,
    design_api,  # noqa: F401 - it adds its views to api's blueprint
    design_web,
    leaks_api,  # noqa: F401 - and it too
    leaks_web,
)
from exchange.rooms import web as rooms_web
from exchange.trials import api as trials_api
from exchange.trials import (
    applications_api,  # noqa: F401 - it adds its views to api's blueprint
    applications_web,  # noqa: F401 - and it to web's
    incident_web,
    refused,
    report_api,
    report_web,
    rulebook,
)
from exchange.trials import service as trials
from exchange.trials import web as trials_web

PAGES = (
    accounts_web.blueprint,
    catalogue_web.blueprint,
    contract_rooms_web.blueprint,
    contract_web.blueprint,
    deliveries_web.blueprint,
    design_web.blueprint,
    erasure_web.blueprint,
    fonts.blueprint,
    health.blueprint,
    hooks_web.blueprint,
    incident_web.blueprint,
    keys_web.blueprint,
    leaks_web.blueprint,
    ledger_web.blueprint,
    members_web.blueprint,
    negotiations_web.blueprint,
    notices_web.blueprint,
    oauth_api.blueprint,
    oauth_web.blueprint,
    oversight_web.blueprint,
    own_web.blueprint,
    report_web.blueprint,
    rooms_web.blueprint,
    rulebook.blueprint,
    trials_web.blueprint,
    trust_web.blueprint,
)
APIS = (
    accounts_api.blueprint,
    catalogue_api.blueprint,
    consents_api.blueprint,
    contract_rooms_api.blueprint,
    deliveries_api.blueprint,
    negotiations_api.contracts,
    negotiations_api.negotiations,
    notices_api.blueprint,
    oversight_api.blueprint,
    report_api.blueprint,
    rooms_api.blueprint,
    rulebook.api,
    trials_api.blueprint,
    trust_api.blueprint,
)


def register(app: Flask, api: Api) -> None:
    """Open them all."""
    home.init_app(app)
    notices_web.init_app(app)
    oauth_server.init_app(app)
    trials.connect()  # catalogue, negotiations and deliveries ask the trial
    stops.connect(holds.follow_listing)  # whoever stops a listing stops the contracts made on it
    refused.init_app(app)  # what the trial refuses goes on record after the request
    looks.connect(warrants.look)  # whoever shows a member's papers to an official asks for the warrant
    for pages in PAGES:
        app.register_blueprint(pages)
    for machines in APIS:
        api.register_blueprint(machines)
        csrf.exempt(machines)  # bearer tokens only: no cookie speaks there, so nobody can be tricked into it
    csrf.exempt(oauth_api.blueprint)  # the token endpoint authenticates the program itself
