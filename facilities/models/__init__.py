"""Tables of the catalogue, of the rules of its instruments and of who is qualified for them."""

from facilities.models.catalogue import (
    ExclusionGroup,
    Facility,
    Instrument,
    OperatingPlan,
    Shift,
    Technique,
    facility_techniques,
)
from facilities.models.qualifications import (
    Absence,
    Duty,
    InstrumentQualification,
    Qualification,
    QualificationGrant,
)
from facilities.models.rules import Assistance, InstrumentRules

__all__ = [
    "Absence",
    "Assistance",
    "Duty",
    "ExclusionGroup",
    "Facility",
    "Instrument",
    "InstrumentQualification",
    "InstrumentRules",
    "OperatingPlan",
    "Qualification",
    "QualificationGrant",
    "Shift",
    "Technique",
    "facility_techniques",
]
