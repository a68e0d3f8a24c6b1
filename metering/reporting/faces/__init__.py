"""The files a period is written as: page, paper, workbook, CSV, JSON and journal."""
