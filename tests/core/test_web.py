"""The edge of the product: what every page promises, and what no input may do."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app import create_app
from core import web
from core.db import db
from core.errors import Busy
from tests.conftest import settings_for
from tests.factories import a_person
from tests.support import Browser, browser

SAMPLES = {"UUIDConverter": UUID(int=0), "IntegerConverter": 1}
HEADERS = {
    "Content-Security-Policy": web.POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
PUBLIC = ("/", "/facilities", "/rounds")


@pytest.fixture
def office(context: Flask, app: Flask) -> Browser:
    """A browser of the cluster office: whoever may do most."""
    return browser(app, a_person(is_office=True).id)


def _sample(rule: Rule) -> str:
    """An address that the rule matches, of a thing that does not exist."""
    values = {name: SAMPLES.get(type(kind).__name__, "nothing") for name, kind in rule._converters.items()}
    built = rule.build(values)
    assert built is not None
    return str(built[1])


def _rules(app: Flask, method: str) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        if method in (rule.methods or ()) and rule.endpoint != "static":
            yield _sample(rule)


# --- forms come from our own pages ------------------------------------------------------------------------


def test_no_form_of_the_whole_product_is_taken_without_its_token(app: Flask, visitor: Browser, office: Browser) -> None:
    paths = [path for path in _rules(app, "POST") if not path.startswith("/api/")]
    assert len(paths) > 15
    for client in (visitor, office):
        wrong = {path: client.post(path, data={}).status_code for path in paths}
        assert set(wrong.values()) == {400}, wrong
        stale = {path: client.post(path, data={"csrf_token": "stale"}).status_code for path in paths}
        assert set(stale.values()) == {400}, stale


def test_a_token_of_somebody_else_is_not_taken(app: Flask, office: Browser) -> None:
    attacker = browser(app)
    assert office.post("/logout", data={"csrf_token": attacker.csrf}).status_code == 400
    assert office.post("/logout", data={"csrf_token": office.csrf}).status_code == 303


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_forms_sent_from_other_sites_are_refused_even_with_a_token(office: Browser, site: str) -> None:
    assert office.post_form("/logout", headers={"Sec-Fetch-Site": site}).status_code == 403
    assert office.get("/account").status_code == 200


def test_links_from_other_sites_are_fine(visitor: Browser) -> None:
    assert visitor.get("/facilities", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


# --- headers and cookies ----------------------------------------------------------------------------------


def test_every_page_and_every_error_has_the_security_headers(app: Flask, visitor: Browser, office: Browser) -> None:
    for client in (visitor, office):
        for path in _rules(app, "GET"):
            answer = client.get(path)
            assert answer.status_code < 500, path
            found = {name: answer.headers.get(name) for name in HEADERS}
            assert found == HEADERS, path
    for answer in (
        visitor.get("/nothing-here"),
        visitor.delete("/login"),
        visitor.post("/login"),
        visitor.get("/", headers={"Host": "evil.example"}),
        visitor.get("/facilities?q=%00"),
    ):
        assert answer.status_code >= 400
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_the_policy_allows_nothing_inline_and_nothing_from_outside() -> None:
    assert "unsafe" not in web.POLICY
    assert "http" not in web.POLICY
    assert "frame-ancestors 'none'" in web.POLICY


def test_private_pages_are_not_kept_by_browsers(office: Browser) -> None:
    assert office.get("/account").headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", [*PUBLIC, "/nothing-here", "/healthz"])
def test_a_visitor_of_public_pages_gets_no_cookie(app: Flask, path: str) -> None:
    assert "Set-Cookie" not in app.test_client().get(path, headers={"Host": "localhost"}).headers


def test_cookies_cannot_be_read_by_scripts_nor_sent_from_elsewhere(app: Flask) -> None:
    cookie = app.test_client().get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Domain" not in cookie


def test_on_https_cookies_are_bound_to_the_host(database_url: str, tmp_path: Path) -> None:
    settings = settings_for(database_url, tmp_path)
    secure = create_app(type(settings)(**{**vars(settings), "public_url": "https://localhost"}))
    answer = secure.test_client().get("/login", base_url="https://localhost")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-equora=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    with secure.app_context():
        db.engine.dispose()


# --- addresses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost@evil.example", "", "[::1]"])
def test_only_known_hosts_are_served(visitor: Browser, host: str) -> None:
    answer = visitor.get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert "evil" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/login"), ("PUT", "/"), ("GET", "/logout"), ("POST", "/")])
def test_a_wrong_method_is_told_the_right_ones(visitor: Browser, method: str, path: str) -> None:
    answer = visitor.open(path, method=method)
    assert answer.status_code == 405
    assert answer.headers["Allow"]


def test_the_other_language_is_the_same_page_whatever_the_query_says(visitor: Browser) -> None:
    query = "q=a%26b&endpoint=x&_external=1&_scheme=javascript&_anchor=y&q=c&lang=en"
    page = visitor.get(f"/facilities?{query}").get_data(as_text=True)
    assert (
        "/facilities?q=a%26b&amp;q=c&amp;endpoint=x&amp;_external=1&amp;_scheme=javascript&amp;_anchor=y&amp;lang=it"
        in page
    )
    for path in ("//evil.example/x", "/%2fevil.example", "/%5cevil.example", "/\\evil.example"):
        text = visitor.get(path, follow_redirects=True).get_data(as_text=True)
        assert 'href="//' not in text
        assert "http://evil" not in text


def test_a_language_is_kept_only_when_it_is_one_of_ours(visitor: Browser) -> None:
    assert '<html lang="en">' in visitor.get("/facilities?lang=en").get_data(as_text=True)
    assert '<html lang="en">' in visitor.get("/facilities?lang=../../etc").get_data(as_text=True)
    assert '<html lang="it">' in visitor.get("/facilities?lang=it").get_data(as_text=True)


# --- bad input --------------------------------------------------------------------------------------------

BAD = {
    "NUL": "%00",
    "control": "%01%1b",
    "lone surrogate": "%ED%A0%80",
    "no UTF-8": "%ff%fe",
    "percent": "%",
    "quote": "'%22%3E%3Cscript%3E",
    "long": "a" * 5000,
    "traversal": "..%2f..%2fetc%2fpasswd",
    "format": "%25s%25(x)s{0}",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_no_address_or_query_makes_a_page_fail(app: Flask, office: Browser, text: str) -> None:
    for path in _rules(app, "GET"):
        for address in (
            path.replace("nothing", text),
            f"{path}?q={text}&type={text}&page={text}&lang={text}&next={text}",
        ):
            assert office.get(address).status_code < 500, address


@pytest.mark.parametrize(
    "value",
    [
        "\x00",
        "a\x00b",
        "\ud800",
        "\x1b[31m",
        "%s%n",
        "-1",
        "9" * 400,
        "1e999",
        "NaN",
        "' OR 1=1 --",
        "<script>",
        "x" * 100_000,
        "../..",
        "[]",
        "{}",
    ],
)
def test_no_value_in_any_form_makes_the_product_fail(app: Flask, office: Browser, value: str) -> None:
    names = ("email", "password", "next", "name", "language", "orcid", "old", "new", "person", "type", "ror", "role")
    body = {
        **dict.fromkeys(names, value.encode("utf-8", "surrogatepass")),
        "key": value.encode("utf-8", "surrogatepass"),
    }
    for path in _rules(app, "POST"):
        answer = office.post(path, data={**body, "csrf_token": office.csrf})
        assert answer.status_code < 500, (path, answer.status_code)
        if answer.status_code < 400:
            office = browser(app, a_person(is_office=True).id)


def test_arrays_where_a_value_stands_are_no_harm(app: Flask, office: Browser) -> None:
    twice = [("name", "One"), ("name", "Two"), ("name[]", "x"), ("name[a]", "y"), ("type", "sme"), ("type", "sme")]
    for path in _rules(app, "POST"):
        body = "&".join(f"{name}={value}" for name, value in [*twice, ("csrf_token", office.csrf)])
        answer = office.post(path, data=body, content_type="application/x-www-form-urlencoded")
        assert answer.status_code < 500, path
        if path == "/logout" or answer.location == "/login":
            office = browser(app, a_person(is_office=True).id)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b'["csrf_token"]'),
        ("application/x-www-form-urlencoded", b"%"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="csrf_token"; filename="f"\r\n\r\nx\r\n--x--',
        ),
        ("text/xml", b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>"),
    ],
)
def test_bodies_that_are_no_form_are_refused(visitor: Browser, content_type: str, body: bytes) -> None:
    assert visitor.post("/login", data=body, content_type=content_type).status_code == 400


def test_huge_bodies_are_refused_whatever_they_are(app: Flask, visitor: Browser) -> None:
    huge = b"a=" + b"x" * (web.LARGEST_BODY + 1)
    for content_type in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = visitor.post("/login", data=huge, content_type=content_type)
        assert answer.status_code == 413
    many = "&".join(f"f{number}=" for number in range(20_000)) + f"&csrf_token={visitor.csrf}"
    assert visitor.post("/login", data=many, content_type="application/x-www-form-urlencoded").status_code < 500


@pytest.mark.parametrize("cookie", ["x" * 4000, "\x7f\x80", '"; drop', "a=b=c", ""])
def test_no_cookie_makes_a_page_fail(app: Flask, cookie: str) -> None:
    client = app.test_client()
    for name in ("equora", "equora-device", "lang"):
        answer = client.get("/login", headers={"Cookie": f"{name}={cookie}", "Host": "localhost"})
        assert answer.status_code == 200


# --- errors -----------------------------------------------------------------------------------------------


def test_a_bug_tells_a_code_and_nothing_else(app: Flask, visitor: Browser, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> str:
        raise RuntimeError("secret detail")

    app.view_functions["facilities.index"] = broken
    answer = visitor.get("/facilities")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "secret detail" not in page
    code = caplog.records[-1].getMessage().split()[-1]
    assert code in page


def test_a_busy_database_is_said_to_be_busy(app: Flask, visitor: Browser) -> None:
    def busy() -> str:
        raise Busy

    app.view_functions["facilities.index"] = busy
    answer = visitor.get("/facilities")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


def test_a_database_that_is_away_is_no_bug_of_the_page(
    app: Flask, office: Browser, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    for name in ("equora.db", "equora.db-wal", "equora.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "equora.db").symlink_to(tmp_path / "no such folder" / "equora.db")
    for client in (office, app.test_client()):
        for path in ("/account", "/facilities", "/readyz"):
            answer = client.get(path, headers={"Host": "localhost"})
            if answer.status_code != 303:
                assert (path, answer.status_code) == (path, 503)
                assert answer.headers["Retry-After"] == "2"
    assert office.get("/healthz").status_code == 200
    (tmp_path / "equora.db").unlink()


def test_what_does_not_exist_and_what_one_may_not_know_look_the_same(app: Flask, office: Browser) -> None:
    pages = {
        office.post_form(f"/account/sessions/{uuid4()}/end").get_data(as_text=True).replace(office.csrf, "")
        for _ in range(2)
    }
    assert len({page.split("<main")[1] for page in pages}) == 1
