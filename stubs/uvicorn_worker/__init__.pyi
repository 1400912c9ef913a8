from typing import Any

class UvicornWorker:
    CONFIG_KWARGS: dict[str, Any]
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
