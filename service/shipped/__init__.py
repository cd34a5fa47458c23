"""What ships with Paperround, read by whoever needs it.

The catalogue of topics and what was learned for them, the tag vocabulary, the words' frequencies, the weights of the summaries,
the signs of an attack, and the sample page.
"""
