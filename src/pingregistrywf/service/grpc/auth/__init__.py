"""Who calls, and what they may do: tokens and certificates of clients, and the roles they give.

``caller`` holds what a caller may do, ``tokens`` and ``certificates`` find that in what a client
shows, ``keys`` reads the keys that tokens are checked with, ``file`` the file that names all of
these, and ``authenticator`` asks them for each call.  Whatever is not allowed is denied.  Nothing
in here knows a workflow: roles are those that a service declares (documentation: Give roles to
callers).
"""
