"""What routes can be written as for others to obey: nginx, an HTTPRoute, DNS. Pure."""
