"""Attributes that Table E.1-1 does not name and that name a person, a place, a day or an order all the same.

They were found by planting a mark in every attribute of the dictionary and reading which came through.
"""

from __future__ import annotations

# a short text is emptied, whatever else holds a comment too: by the end of its keyword
COMMENTING = ("Comment", "Comments", "Notes")
TELLING = frozenset(
    {
        # days in other calendars (PS3.3, C.7.1.1)
        "PatientBirthDateInAlternativeCalendar", "PatientDeathDateInAlternativeCalendar", "PatientAlternativeCalendar",
        # orders and keys of other systems
        "PlacerOrderNumberProcedure", "FillerOrderNumberProcedure", "PlacerOrderNumberImagingServiceRequestRetired",
        "FillerOrderNumberImagingServiceRequestRetired", "StorageMediaFileSetID", "RecordKey", "PriorRecordKey", "PrintJobID",
        # persons, groups and animals
        "HangingProtocolCreator", "HangingProtocolUserGroupName", "ContactDisplayName", "ComponentWelderIDs", "OwnerID",
        "BreedRegistrationNumber", "StrainStockNumber", "CompressionOriginator",
        # places, journeys and machines of one house
        "AssignedLocation", "NTPSourceAddress", "BoardingPassID", "CarrierID", "ItineraryID", "ItineraryIDAssigningAuthority", "RouteID",
        "RouteIDAssigningAuthority", "RouteSegmentID", "RouteSegmentStartLocationID", "RouteSegmentEndLocationID", "RadiationMachineName",
        "PrinterName", "PrintQueueID",
        # free words in short texts
        "RequestedProcedureDescriptionTrial", "PerformedProcedureTypeDescription", "PotentialReasonsForProcedure", "PotentialDiagnosticTasks",
        "InstructionText", "WorklistLabel", "IndicationLabel", "ReferenceToRecordedSound", "ContentDescription", "SelectorUCValue", "Reference",
        "ThreatDetectionAlgorithmAndVersion",
        # originals under a key, and signatures of what is no longer there
        "EncryptedAttributesSequence", "EncryptedContent", "Signature", "MACParametersSequence",
    }
)  # fmt: skip


def tells(keyword: str) -> bool:
    """Return whether an attribute that the table does not name has to go.

    >>> tells("DoseComment"), tells("Manufacturer")
    (True, False)
    """
    return keyword in TELLING or keyword.endswith(COMMENTING)
