"""From scores to a promise and its upkeep: certify, audit, drift."""
