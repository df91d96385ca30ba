"""How text is laid out on a page."""
