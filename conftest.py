"""Says loudly at the end of a run what was not tested and why; on CI a missing database or browser is a failure."""

import os
from collections import Counter

import pytest

NEEDS = ("postgres", "browser")


def _skipped(reporter: pytest.TerminalReporter) -> list[pytest.TestReport]:
    return [report for report in reporter.stats.get("skipped", []) if isinstance(report, pytest.TestReport)]


def _reason(report: pytest.TestReport) -> str:
    where_and_why = report.longrepr
    text = where_and_why[2] if isinstance(where_and_why, tuple) else str(where_and_why)
    return text.removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count the skipped tests by reason."""
    reasons = Counter(_reason(report) for report in _skipped(terminalreporter))
    if reasons:
        terminalreporter.section("NOT TESTED", sep="!", yellow=True, bold=True)
        for reason, count in reasons.most_common():
            terminalreporter.write_line(f"{count:5} × {reason}", yellow=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a CI run that could not use PostgreSQL or chromium: a green run there must mean that all was tried."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return
    if any(need in report.keywords for report in _skipped(reporter) for need in NEEDS):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
