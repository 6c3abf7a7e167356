"""One agent user's own view of Graph, and short ways to fill it."""

from urllib.parse import quote

import requests

from sandbox.scene import BOUND_S, GRAPH, Hired, Json, Scene


class Reader:
    """One agent user's own view of Graph."""

    def __init__(self, scene: Scene, agent: Hired) -> None:
        self.scene, self.agent = scene, agent
        self.token = scene.user_token(agent, GRAPH)

    def get(self, path: str, **query: str) -> requests.Response:
        base = "" if path.startswith("https:") else f"{self.scene.cloud['graph']}/v1.0/"
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.scene.session.get(
            base + path,
            params={f"${name}": value for name, value in query.items()},
            headers=headers,
            timeout=BOUND_S,
            allow_redirects=False,
        )

    def post(self, path: str, body: object) -> requests.Response:
        return self.scene.post(f"{self.scene.cloud['graph']}/v1.0/{path}", self.token, body)

    def read(self, chat: str, **query: str) -> list[Json]:
        """One page of messages, which must be given."""
        answer = self.get(f"{path(chat)}/messages", **query)
        assert answer.ok, answer.text
        value: list[Json] = answer.json()["value"]
        return value

    def pages(self, chat: str, **query: str) -> list[list[str]]:
        """The texts of every page."""
        pages: list[list[str]] = []
        answer = self.get(f"{path(chat)}/messages", **query).json()
        while True:
            pages.append([message["body"]["content"] for message in answer["value"]])
            if "@odata.nextLink" not in answer:
                return pages
            answer = self.get(answer["@odata.nextLink"]).json()


def path(chat: str) -> str:
    return f"chats/{quote(chat, safe='')}"


def refusal(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def say(scene: Scene, agent: Hired, text: str = "hello", **more: object) -> Json:
    body = {"from": "ada", "agent": agent.user, "text": text, **more}
    return scene.ask("POST", "messages", body)
