"""Any other proxy, given on the command line as NAME=PORT:COMMAND."""

import shlex

from benchmarks.load.peers import Launch, Peer, Plan


def parse(argument: str) -> Peer:
    """NAME=PORT:COMMAND; ValueError says what is wrong.

    COMMAND must forward everything that reaches 127.0.0.1:PORT to the backend at 127.0.0.1:{backend},
    on one core; `{backend}`, `{port}` and `{directory}` are filled in. PORT 0 takes a free one.
    """
    name, equals, rest = argument.partition("=")
    port, colon, command = rest.partition(":")
    if not (name and equals and colon and command and port.isdigit()):
        raise ValueError(f"--peer takes NAME=PORT:COMMAND, not {argument!r}")
    words = shlex.split(command)

    def launch(plan: Plan) -> Launch:
        values = {"{backend}": str(plan.backend_port), "{directory}": str(plan.directory)}
        values["{port}"] = str(int(port) or plan.port)
        return Launch(tuple(_fill(word, values) for word in words), port=int(port))

    return Peer(name, launch, serves_all=False)


def _fill(word: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        word = word.replace(placeholder, value)
    return word
