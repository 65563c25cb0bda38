"""XPath 1.0 over the bodies of messages: XPATH '..' in selectors. Its work is counted, and ends when it is too much."""
