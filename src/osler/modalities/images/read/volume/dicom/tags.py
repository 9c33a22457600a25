"""The elements that a volume needs of a DICOM header, and those that identify a person (PS3.6; PS3.15, table E.1-1)."""

from __future__ import annotations

WANTED = {
    0x00020010: "TransferSyntaxUID", 0x00080005: "SpecificCharacterSet", 0x00080008: "ImageType", 0x00080018: "SOPInstanceUID",
    0x00080060: "Modality", 0x00080070: "Manufacturer", 0x00081010: "StationName", 0x0008103E: "SeriesDescription",
    0x00081090: "ManufacturerModelName", 0x00100020: "PatientID", 0x00180050: "SliceThickness", 0x00180088: "SpacingBetweenSlices",
    0x00181000: "DeviceSerialNumber", 0x00181164: "ImagerPixelSpacing", 0x00182010: "NominalScannedPixelSpacing",
    0x0020000E: "SeriesInstanceUID", 0x00200011: "SeriesNumber", 0x00200032: "ImagePositionPatient",
    0x00200037: "ImageOrientationPatient", 0x00280002: "SamplesPerPixel", 0x00280004: "PhotometricInterpretation",
    0x00280008: "NumberOfFrames", 0x00280010: "Rows", 0x00280011: "Columns", 0x00280030: "PixelSpacing", 0x00280100: "BitsAllocated",
    0x00280101: "BitsStored", 0x00280102: "HighBit", 0x00280103: "PixelRepresentation", 0x00281052: "RescaleIntercept",
    0x00281053: "RescaleSlope", 0x3004000C: "GridFrameOffsetVector", 0x3004000E: "DoseGridScaling",
}  # fmt: skip
NUMBERS = {0x00280002, 0x00280010, 0x00280011, 0x00280100, 0x00280101, 0x00280102, 0x00280103}  # US; all else of WANTED is text
SLOWLY = {  # what only pydicom understands here: functional groups, detectors, look-up tables, floating-point pixels
    0x00283000: "ModalityLUTSequence", 0x00281101: "RedPaletteColorLookupTableDescriptor", 0x00540022: "DetectorInformationSequence",
    0x52009229: "SharedFunctionalGroupsSequence", 0x52009230: "PerFrameFunctionalGroupsSequence", 0x7FE00008: "FloatPixelData",
    0x7FE00009: "DoubleFloatPixelData",
}  # fmt: skip
PIXELS = 0x7FE00010
IDENTIFYING = {
    0x00080050: "AccessionNumber", 0x00080080: "InstitutionName", 0x00080081: "InstitutionAddress", 0x00080090: "ReferringPhysicianName",
    0x00081040: "InstitutionalDepartmentName", 0x00081048: "PhysiciansOfRecord", 0x00081050: "PerformingPhysicianName",
    0x00081060: "NameOfPhysiciansReadingStudy", 0x00081070: "OperatorsName", 0x00100010: "PatientName", 0x00100020: "PatientID",
    0x00100030: "PatientBirthDate", 0x00100032: "PatientBirthTime", 0x00100050: "PatientInsurancePlanCodeSequence",
    0x00101000: "OtherPatientIDs", 0x00101001: "OtherPatientNames", 0x00101002: "OtherPatientIDsSequence", 0x00101005: "PatientBirthName",
    0x00101040: "PatientAddress", 0x00101050: "InsurancePlanIdentification", 0x00101060: "PatientMotherBirthName",
    0x00101090: "MedicalRecordLocator", 0x00102150: "CountryOfResidence", 0x00102152: "RegionOfResidence",
    0x00102154: "PatientTelephoneNumbers", 0x001021B0: "AdditionalPatientHistory", 0x001021F0: "PatientReligiousPreference",
    0x00102297: "ResponsiblePerson", 0x00104000: "PatientComments", 0x00200010: "StudyID", 0x00204000: "ImageComments",
    0x00321032: "RequestingPhysician", 0x00380010: "AdmissionID", 0x00380300: "CurrentPatientLocation",
    0x00380400: "PatientInstitutionResidence",
}  # fmt: skip
