"""The conformance kit: rules of the plugin contracts, and what checks them."""
