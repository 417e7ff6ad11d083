"""Who sees what the system still has to do."""

from accounts.policy import Actor, Answer, No, Yes, signed_in_only


@signed_in_only
def may_see_queue(actor: Actor) -> Answer:
    """The cluster office: errors may name anybody's address."""
    return Yes() if actor.is_office else No()


@signed_in_only
def may_try_again(actor: Actor) -> Answer:
    """Whoever sees it."""
    return may_see_queue(actor)
