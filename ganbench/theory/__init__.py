"""The theory of Goodfellow et al. 2014, checked on the engine: optimal D, JS divergence, decision surfaces."""
