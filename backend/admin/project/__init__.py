"""The projects, and the page of one: its data path, what needs somebody, what to do next."""
