"""Asks one provider's API: waits when told to, tries again what may pass, never says the key.

What is tried again: a connection that breaks, 429 and 5xx. Waits follow the answer's Retry-After.
A redirect of the API is refused, since it would carry the key to another host.
"""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from metering.connectors.contract import Answer, Parameter
from metering.errors import PullError

if TYPE_CHECKING:
    from metering.connectors.contract import Connector

_TRIED_AGAIN: Final = (429, 500, 502, 503, 504)
_TRIES: Final = 6
_LONGEST_WAIT: Final = 300  # seconds
_TIMEOUT: Final = (10, 300)  # seconds to connect, and to the next byte
_UNKNOWN_KEY: Final = 401
_REFUSED_KEY: Final = (_UNKNOWN_KEY, 403)
_EXPIRED: Final = 410
_FROM_REFUSED: Final = 300
_SHOWN: Final = 160  # characters of what the provider says
_ENDLESS: Final = "the provider's pages do not end"


class _Key(requests.auth.AuthBase):
    """Shows the key; and keeps what `.netrc` says of the host from taking its place."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


class Caller:
    """A session with one provider.

    Args:
        connector: whom to ask.
        secret: the key.
        options: what the user said of the account.
        wait: factor of the waits between tries, in seconds.
    """

    def __init__(
        self,
        connector: "Connector",
        secret: str,
        options: Mapping[str, str],
        wait: float = 1.0,
    ) -> None:
        self.options = options
        self._connector = connector
        self._secret = secret
        self._base = options.get("base_url", connector.base_url).rstrip("/")
        self._key = _Key(connector.headers(secret))
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "metering"
        again = Retry(
            total=_TRIES,
            backoff_factor=wait,
            backoff_max=_LONGEST_WAIT,
            retry_after_max=_LONGEST_WAIT,
            status_forcelist=_TRIED_AGAIN,
            allowed_methods=None,
            raise_on_status=False,
        )
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=again))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def get(
        self, path: str, parameters: Mapping[str, Parameter], headers: Mapping[str, str]
    ) -> Answer:
        """Return the answer to a GET.

        Raises:
            PullError: `key-refused`, `not-allowed`, `pull-refused`, `pull-failed` or `bad-answer`.
        """
        return self._answer("GET", path, params=parameters, headers=dict(headers))

    def post(self, path: str, body: Mapping[str, object]) -> Answer:
        """Return the answer to a POST of JSON.

        Raises:
            PullError: as `get`.
        """
        return self._answer("POST", path, json=body)

    def follow(
        self,
        path: str,
        parameters: Mapping[str, Parameter],
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Answer]:
        """Yield the answer to a GET and those that follow it, by `has_more` and `next_page`.

        Raises:
            PullError: as `get`; `bad-answer` too where a page says that more follow and not which,
                or where pages lead back to one that was read.
        """
        page: str | None = None
        read: set[str] = set()
        while True:
            said = {**parameters, "page": page} if page is not None else parameters
            answer = self.get(path, said, headers or {})
            yield answer
            if not answer.members.get("has_more"):
                return
            page = answer.members.get("next_page")
            if not isinstance(page, str) or page in read:
                raise self._bad_answer(path, _ENDLESS)
            read.add(page)

    def download(self, link: str) -> Answer:
        """Return the file behind a signed link of the provider, without showing the key.

        Raises:
            PullError: `bad-answer` for a link that is not HTTPS; else as `get`.
        """
        if not link.startswith(("https://", self._base)):
            raise self._bad_answer("a download link", "it is not HTTPS")
        body = self._sent("GET", link, "a download link", auth=_Key({})).content
        return Answer(body, rows=len(body.splitlines()))

    def _answer(self, method: str, path: str, **how: Any) -> Answer:
        response = self._sent(
            method, self._base + path, path, auth=self._key, allow_redirects=False, **how
        )
        try:
            said = json.loads(response.content)
        except (ValueError, RecursionError) as error:
            raise self._bad_answer(path, "it is not JSON") from error
        return Answer.of(response.content, said)

    def _sent(self, method: str, url: str, path: str, **how: Any) -> requests.Response:
        try:
            response = self._session.request(method, url, timeout=_TIMEOUT, **how)
        except requests.RequestException as error:
            raise self._error(
                "pull-failed",
                f"{path} cannot be reached: {type(error).__name__}",
                do="look at base_url, the network and the proxy; what was pulled before stays",
            ) from error
        if response.ok and response.status_code < _FROM_REFUSED:
            return response
        raise self._refused(response, path)

    def _refused(self, response: requests.Response, path: str) -> PullError:
        status, said = response.status_code, self._said(response)
        if status in _REFUSED_KEY:
            return self._error(
                "key-refused" if status == _UNKNOWN_KEY else "not-allowed",
                f"the key in {self._key_from} is refused: {status} for {path}",
                details=(f"said:     {said}", f"expected: {self._connector.asks}"),
                do="set the right key, or have its rights widened",
            )
        if status in _TRIED_AGAIN:
            return self._error(
                "pull-failed",
                f"{path} answers {status}, after {_TRIES} tries more",
                details=(f"said:     {said}",),
                do="pull again later; what was pulled before stays",
            )
        return self._error(
            "pull-refused",
            f"{path} answers {status}",
            details=(f"said:     {said}",),
            do="pull again"
            if status == _EXPIRED
            else "look at the days and at [pull] in metering.toml",
        )

    def _said(self, response: requests.Response) -> str:
        """Return what the provider says, cut, in one line, without the key."""
        text = response.text
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError):
            fields = None
        if isinstance(fields, Mapping):
            error = fields.get("error", fields)
            message = error.get("message") if isinstance(error, Mapping) else error
            text = message if isinstance(message, str) else text
        line = " ".join(text.replace(self._secret, "…").split())
        printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
        return printable[:_SHOWN] or "nothing"

    def _bad_answer(self, path: str, what: str) -> PullError:
        return self._error(
            "bad-answer", f"what {path} answers cannot be used: {what}", do="pull again later"
        )

    @property
    def _key_from(self) -> str:
        return self.options.get("key_from", self._connector.key_from)

    def _error(self, code: str, what: str, *, details: tuple[str, ...] = (), do: str) -> PullError:
        return PullError(self._connector.name, code, what, details=details, do=do)
