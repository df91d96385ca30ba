"""Apache httpd: its configuration read, and which lines rule over a request."""
