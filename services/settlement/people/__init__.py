"""Files that people read: the report as CSV, a window as a workbook, an institution's statement as PDF."""
