"""Every question asked of the catalogue (here) and of what else facilities keep (in files of their own)."""

from facilities.queries.catalogue import (
    exclusion_groups,
    facilities_by_slug,
    facilities_matching,
    facility,
    facility_by_slug,
    instrument_by_slugs,
    instruments_with_rules,
    listed,
    operating_plans,
    organisations_named,
    slugs_of_all_facilities,
    slugs_of_organisations,
    techniques,
)

__all__ = [
    "exclusion_groups",
    "facilities_by_slug",
    "facilities_matching",
    "facility",
    "facility_by_slug",
    "instrument_by_slugs",
    "instruments_with_rules",
    "listed",
    "operating_plans",
    "organisations_named",
    "slugs_of_all_facilities",
    "slugs_of_organisations",
    "techniques",
]
