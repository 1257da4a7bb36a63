"""The classifiers of the papers, and the one function that trains them."""
