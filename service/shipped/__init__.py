"""What ships with Paperround: the catalogue of topics, the tag vocabulary, the sample page."""
