"""The addresses of every form, by endpoint, and what is sent to each; one that is missing here fails the tests.

They come in an order in which none takes away what a later one needs.
"""

from typing import Any

POSTS: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "accounts.login": (("/login", {}),),
    "accounts.demo_login": (("/login/demo", {"person": "{nothing}"}),),
    "accounts.forgot_password": (("/password/reset", {}),),
    "accounts.choose_password": (("/password/reset/none", {}),),
    "accounts.change_profile": (("/account", {}),),
    "accounts.change_password": (("/account/password", {}),),
    "accounts.new_organisation": (("/organisations/new", {}),),
    "accounts.edit_organisation": (("/organisations/{organisation}/edit", {}),),
    "accounts.invite": (("/organisations/{organisation}/invitations", {}),),
    "accounts.posts": (("/posts", {}),),
    "accounts.end_session": (("/account/sessions/none/end", {}),),
    "accounts.join": (("/invitations/{invited}/join", {}),),
    "calendar.move": (
        (
            "/calendar/move",
            {
                "booking": "{confirmed}",
                "instrument": "{beam_id}",
                "sequence": "0",
                "start": "2027-01-05T10:00",
                "end": "2027-01-05T12:00",
            },
        ),
    ),
    "bookings.approve": (("/bookings/{waiting}/approve", {}), ("/bookings/{managers_own}/approve", {})),
    "bookings.refuse": (("/bookings/{waiting}/refuse", {}), ("/bookings/{managers_own}/refuse", {})),
    "bookings.cancel": (("/bookings/{confirmed}/cancel", {}), ("/bookings/{secret_booking}/cancel", {})),
    "calendars.make": (
        ("/calendars/subscribe/person/{owner}", {}),
        ("/calendars/subscribe/facility/{here_id}", {}),
        ("/calendars/subscribe/instrument/{beam_id}", {}),
    ),
    "calendars.revoke": (("/calendars/{subscription_id}/revoke", {}),),
    "instruments.book": (("/facilities/{here}/{scope}", {}),),
    "instruments.close": (("/facilities/{here}/{scope}/close", {}),),
    "use.check_in": (("/bookings/{running}/check-in", {}),),
    "use.check_out": (("/bookings/{running}/check-out", {}),),
    "troubles.report": (("/bookings/{running}/trouble", {}),),
    "troubles.credit": (("/troubles/{trouble}/credit", {}),),
    "troubles.close": (("/troubles/{trouble}/close", {}),),
    "requests.create": (
        ("/requests", {"round": "{round_open_id}", "organisation": "{organisation_id}", "key": "1"}),
        ("/requests", {"round": "{round_draft_id}", "organisation": "{organisation_id}", "key": "2"}),
    ),
    "requests.save": (("/requests/{draft}/edit", {"version": "1"}),),
    "requests.submit": (("/requests/{draft}/submit", {"version": "1"}),),
    "requests.clone": (("/requests/{secret}/clone", {"key": "3", "round": "{round_open_id}"}),),
    "requests.break_glass": (("/requests/{secret}/confidential", {"glass_reason": "A complaint."}),),
    "requests.withdraw": (("/requests/{secret}/withdraw", {}), ("/requests/{draft}/withdraw", {})),
    "rounds.new": (("/rounds/new", {}),),
    "rounds.edit": (("/rounds/{round_open}/edit", {}),),
    "rounds.propose": (("/rounds/{round_allocation}/plans", {}),),
    "rounds.review": (("/rounds/{round_open}/requests/{secret}/review", {}),),
    "rounds.cancel_plan": (("/rounds/{round_allocation}/plans/1/cancel", {}),),
    "rounds.publish": (("/rounds/{round_allocation}/plans/1/publish", {}),),
    "rounds.take_step": (
        ("/rounds/{round_draft}/steps/open", {}),
        ("/rounds/{round_open}/steps/close_submissions", {}),
    ),
    "accounts.change_role": (("/organisations/{organisation}/people/{colleague}/role", {"role": "delegate"}),),
    "accounts.remove_person": (("/organisations/{organisation}/people/{colleague}/remove", {}),),
    "accounts.dismiss": (("/posts/{here_id}/{reviewer}/dismiss", {}),),
    "accounts.leave": (("/account/organisations/{organisation_id}/leave", {}),),
    "accounts.accept_invitation": (("/invitations/{invited}", {}),),
    "accounts.revoke_invitation": (("/organisations/{organisation}/invitations/{invitation_id}/revoke", {}),),
    "accounts.logout": (("/logout", {}),),
    "accounts.end_all_sessions": (("/account/sessions/end", {}),),
}
