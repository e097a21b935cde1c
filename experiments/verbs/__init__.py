"""What users do, one function each: load, record, fit, certify, report."""
