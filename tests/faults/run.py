"""One run: clients listen, producers commit, something happens, and the ledger is judged.

with Cluster() as cluster:
    run = Run(cluster.url, cluster.environment, tmp_path, people=8)
    verdict = run.prove(seconds=20, rate=50, happening=lambda: cluster.kill("postgres"))
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from tests.faults.clients import LedgerClient, Page
from tests.faults.ledger import Acknowledged, Ledger, Verdict, judge
from tests.faults.producer import ENOUGH, Order
from tests.support.live import EVERY
from tests.support.live_many import session
from tests.support.processes import ROOT, wait_until
from tests.support.site import Shell

STAYS_FOREVER = (3600.0, 3600.0)
SETTLES = 60.0
"""Seconds within which every client must have applied what was acknowledged, once the producers have ended."""


class Run:
    """A ledger, people with sessions, and clients for them.

    `url` is the site's, or a function that returns it. Of several, people take one each, in turn.
    """

    def __init__(
        self,
        url: str | Callable[[], str] | list[str],
        environment: Mapping[str, str],
        folder: Path,
        *,
        people: int = 4,
        clients: int | None = None,
        kinds: Sequence[str] = EVERY,
        stays: tuple[float, float] = STAYS_FOREVER,
        seed: int = 0,
    ) -> None:
        """Make people and sign them in. `clients`, by default one per person and kind, take both in turn."""
        self.ledger = Ledger(folder / "ledger")
        self.environment = dict(environment)
        self.environments_of_producers: list[dict[str, str]] = [self.environment]
        """Those of the producers, in turn."""
        self.people = [f"ledger{number}" for number in range(people)]
        self._places = _places(url)
        self._shell = Shell(self.environment)
        self._cookies = signed_in(self._shell, self.people)
        self._stays, self._seed = stays, seed
        self._kinds, self._count = kinds, clients
        self.listen_only(self.people)
        self.clients: list[LedgerClient] = []
        self.produced: list[dict[str, float]] = []

    def close(self) -> None:
        self._shell.close()

    def listen_only(self, people: Sequence[str]) -> None:
        """Give pages to these people, and none to the others."""
        kinds = self._kinds
        pairs = [(p, kinds[(n + turn) % len(kinds)]) for turn in range(len(kinds)) for n, p in enumerate(people)]
        chosen = enumerate(islice(cycle(pairs), self._count or len(pairs)))
        self._pages = [Page(f"{person}/{kind}/{number}", person, kind) for number, (person, kind) in chosen]

    def python(self, code: str) -> str:
        """Run code in a Django shell beside the site, and return its output."""
        return self._shell.python(code)

    @property
    def people_of_clients(self) -> dict[str, str]:
        """The person of each client, by the client's name."""
        return {client.name: client.person for client in self.clients}

    def cookie_of(self, person: str) -> str:
        """Return a person's session cookie."""
        return self._cookies[person]

    def end_producing(self) -> None:
        """Have the producers end now, for a `happening` that does not know beforehand how long it takes."""
        (self.ledger.folder / ENOUGH).touch()

    def until_produced(self, count: int = 1) -> None:
        """Return once the producers have had this many commits acknowledged."""
        wait_until(lambda: len(self.ledger.read(Acknowledged)) >= count, seconds=120, what=f"{count} commits")

    def prove(
        self,
        *,
        seconds: float,
        rate: float,
        happening: Callable[[], object] = lambda: None,
        producers: int = 2,
        settles: float = SETTLES,
        **order: object,
    ) -> Verdict:
        """Let producers commit for these seconds, `rate` a second by all, while something happens. Judge what came."""
        orders = self._orders(seconds, rate, producers, order)
        asyncio.run(self._prove(orders, happening, settles))
        return self.judge(self.people)

    def judge(self, people: Sequence[str]) -> Verdict:
        """Judge the clients of these people alone."""
        clients = {client.name: client.person for client in self.clients if client.person in people}
        return judge(self.ledger, clients=clients)

    def _orders(self, seconds: float, rate: float, producers: int, order: Mapping[str, object]) -> list[Order]:
        one = Order(str(self.ledger.folder), self.people, rate / producers, seconds, **order)  # type: ignore[arg-type]
        return [replace(one, seed=self._seed * 100 + number) for number in range(producers)]

    async def _prove(self, orders: Sequence[Order], happening: Callable[[], object], settles: float) -> None:
        async with session() as http:
            self.clients = [
                LedgerClient(
                    self.ledger, page, http, self._place_of(page), self._cookies[page.person],
                    stays=self._stays, chance=random.Random(self._seed * 100_000 + number),
                )
                for number, page in enumerate(self._pages)
            ]  # fmt: skip
            until = asyncio.Event()
            wandering = [asyncio.create_task(client.wander(until)) for client in self.clients]
            try:
                async with asyncio.timeout(120):
                    await asyncio.gather(*(client.ready.wait() for client in self.clients))
                among = zip(orders, cycle(self.environments_of_producers), strict=False)
                produced = [asyncio.create_task(_produce(order, environment)) for order, environment in among]
                await asyncio.to_thread(happening)
                self.produced += await asyncio.gather(*produced)
                await self._settle(settles)
            finally:
                until.set()
            await asyncio.gather(*wandering)

    def _place_of(self, page: Page) -> Callable[[], str]:
        return self._places[self.people.index(page.person) % len(self._places)]

    async def _settle(self, seconds: float) -> None:
        """Return once every client has what was acknowledged to its person, or after these seconds."""
        promised: dict[str, set[str]] = {person: set() for person in self.people}
        for line in self.ledger.read(Acknowledged):
            promised[line.person].add(line.mark)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(client.has_all(promised[client.person]) for client in self.clients))


@contextmanager
def running(
    url: str | Callable[[], str] | list[str], environment: Mapping[str, str], folder: Path, **options: object
) -> Iterator[Run]:
    """Make a run that closes its shell at the end."""
    run = Run(url, environment, folder, **options)  # type: ignore[arg-type]
    try:
        yield run
    finally:
        run.close()


def _places(url: str | Callable[[], str] | list[str]) -> list[Callable[[], str]]:
    if callable(url):
        return [url]
    return [partial(str, one) for one in ([url] if isinstance(url, str) else url)]


def signed_in(shell: Shell, people: Sequence[str]) -> dict[str, str]:
    """Make these people, unless they exist, and return a session cookie for each."""
    said = shell.python(f"""
        import json
        from importlib import import_module
        from django.conf import settings
        from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
        store = import_module(settings.SESSION_ENGINE).SessionStore
        cookies = {{}}
        for name in {list(people)!r}:
            person, is_new = get_user_model().objects.get_or_create(username=name, defaults={{"password": "!" + name}})
            session = store()
            session[SESSION_KEY] = str(person.pk)
            session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
            session[HASH_SESSION_KEY] = person.get_session_auth_hash()
            session.save()
            cookies[name] = f"{{settings.SESSION_COOKIE_NAME}}={{session.session_key}}"
        print(json.dumps(cookies))
    """)
    return dict(json.loads(said))


async def _produce(order: Order, environment: Mapping[str, str]) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.producer", json.dumps(asdict(order))),
        cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0, f"the producer failed with {process.returncode}"
    return dict(json.loads(output))
