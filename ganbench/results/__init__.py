"""What a run leaves behind: records, their store, manifests. No torch."""
