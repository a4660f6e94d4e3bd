"""A test plugin: every effect of its action and of its subscription leaves a row that can be counted."""
