"""From records to tables and conclusions. No torch."""
