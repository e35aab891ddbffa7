"""The commands of `guilder`, one module each; cli.py reads the command line and picks one.

What they need of the application is in application.py and imported when it is needed, so that
`guilder --help` answers at once and the embedded servers start while the application loads.
"""
