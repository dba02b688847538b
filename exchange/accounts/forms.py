"""From a posted form to plain values, and from a refusal back to the same page with everything that was typed."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask import Response, flash, redirect, render_template, request
from marshmallow import Schema, ValidationError
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.error_pages import remember, say
from exchange.errors import Refusal, Refused

Made = TypeVar("Made")


def load(schema: type[Schema], *lists: str) -> dict[str, Any]:
    """The form's fields as ``schema`` wants them; ``lists`` are the fields that may come several times."""
    data: dict[str, Any] = request.form.to_dict()
    data.update({name: request.form.getlist(name) for name in lists})
    try:
        return dict(schema().load(data))
    except ValidationError as error:
        raise Refused(*_refusals(error.normalized_messages())) from None


def _refusals(messages: dict[str, Any]) -> list[Refusal]:
    found = []
    for field, texts in messages.items():
        while isinstance(texts, dict):  # a list's messages stand under the index of the item
            texts = next(iter(texts.values()))
        found += [Refusal("FIELD_INVALID", text, field=field) for text in texts]
    return found


def page(template: str, refused: Refused | None = None, **context: Any) -> Response:
    """The page; with ``refused`` the same page again, saying why, the typed values kept (``typed``)."""
    if refused:
        remember(refused)
    errors = [say(refusal) for refusal in refused.refusals] if refused else []
    body = render_template(template, errors=errors, typed=request.form, **context)
    return Response(body, status=refused.status if refused else 200)


def act(
    use_case: Callable[..., Made],
    *given: object,
    form: type[Schema] | None = None,
    lists: Sequence[str] = (),
    again: Callable[[Refused], Response],
    said: str,
    onward: Callable[[Made], str],
) -> AnyResponse:
    """One use case by the person at the page, one commit, and onward; refused: the page ``again``, saying why.

    ``given`` stands in the address; the fields of ``form`` are called as the use case's arguments are.
    """
    session, actor = identity.db_session(), identity.the_actor()
    try:
        values = load(form, *lists) if form else {}
        made = use_case(session, actor, *given, **values, now=clock.now())
    except Refused as refused:
        session.rollback()
        return again(refused)
    identity.commit_logged()
    flash(said, "good")
    return redirect(onward(made), 303)
