"""What goes to and comes from other systems: DICOM whose persons are not known any more."""
