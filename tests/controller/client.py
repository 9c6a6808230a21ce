"""A client of the fake API server."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from proxy.controller.cluster import ApiError, Unreachable


class HttpClient:
    """Implements controller.cluster.Client."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.busy = 0
        """Requests that are not answered yet."""
        self._session = aiohttp.ClientSession()

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        params: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        headers = {"Content-Type": content_type}
        self.busy += 1
        try:
            async with self._session.request(
                method, self.url + path, json=body, headers=headers if body else None, params=params
            ) as response:
                answer = await response.json()
                if response.status >= 400:
                    after = response.headers.get("Retry-After")
                    raise ApiError(
                        response.status, answer["reason"], answer["message"], float(after) if after else None
                    )
                return dict(answer)
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(str(error)) from None
        finally:
            self.busy -= 1

    async def close(self) -> None:
        await self._session.close()
