"""What officers' and operators' commands share: signing in, tables, times and states as people read them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import httpx
import typer
from rich.console import RenderableType
from rich.style import StyleType
from rich.table import Table
from rich.text import Text

from cli import people
from cli.api import Api, ApiError
from cli.stack import attach, gateway_url
from kit.clock import VIETNAM
from kit.config import settings

PHONE = typer.Option(people.OPERATOR.phone, help="Your phone.")
SECOND_PHONE = typer.Option(people.CHECKER.phone, help="Your phone: not the one of who proposed it.")
# Where the API asks for a PIN that was entered just now: every command signs in with it.
PIN = typer.Option(people.PIN, envvar="CHO_PIN", help="Your PIN; CHO_PIN keeps it out of the history.")
# Neither done nor refused by what was found: not allowed, not there, not reachable.
NOT_DONE = 2


@contextmanager
def nobody() -> Iterator[Api]:
    """The gateway of the running stack, without signing in. What it refuses, and where nobody answers, ends the
    command, with exit status 2."""
    attach()
    url = gateway_url(settings())
    try:
        with Api(url) as api:
            yield api
    except ApiError as refused:
        typer.echo(f"not done: {refused}", err=True)
        raise typer.Exit(NOT_DONE) from refused
    except (httpx.HTTPError, OSError) as error:
        typer.echo(f"not done: {url}: {unreachable(error)}", err=True)
        raise typer.Exit(NOT_DONE) from error


@contextmanager
def signed_in(phone: str, pin: str) -> Iterator[Api]:
    """The same as somebody."""
    with nobody() as api:
        yield api.sign_in(phone, pin)


class Rows(Table):
    """A table of what others wrote: never markup, never a terminal's control sequence."""

    def add_row(self, *cells: RenderableType | None, style: StyleType | None = None, end_section: bool = False) -> None:
        made = (Text(plain(cell)) if isinstance(cell, str) else cell for cell in cells)
        super().add_row(*made, style=style, end_section=end_section)


def table(title: str, *columns: str) -> Rows:
    """A table with its title on the left; a column whose name ends with ">" is set to the right."""
    made = Rows(title=Text(plain(title), style="italic") if title else None, title_justify="left")
    for column in columns:
        right = column.endswith(">")
        made.add_column(column.rstrip(">"), justify="right" if right else "left", overflow="fold", no_wrap=right)
    return made


def plain(text: str) -> str:
    """What somebody else wrote, as one line that moves no cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def state_of(name: str) -> str:
    """ "WINDOW_STATE_SETTLED" as people say it: "settled"."""
    return name.rpartition("STATE_")[2].lower()


def moment(text: str | None) -> str:
    """A timestamp of the API in Vietnam's time, to the second; "" where there is none."""
    return datetime.fromisoformat(text).astimezone(VIETNAM).strftime("%Y-%m-%d %H:%M:%S") if text else ""


def unreachable(error: Exception) -> str:
    """Why something could not be asked, without what only its library's authors read; and what to do."""
    text = str(error).partition(" (configured timeouts")[0].partition(", Topology Description")[0]
    return f"{text or type(error).__name__}. cho status says what runs here"
