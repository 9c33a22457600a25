"""The words of reports and pages, in English and Chinese."""
