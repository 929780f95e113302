"""Small classifiers of images: trained on one dataset, kept in a file, used as feature extractors."""
