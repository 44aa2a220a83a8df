"""stub"""

import click

doctor = click.Command("doctor")
