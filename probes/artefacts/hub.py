"""Share an artefact on the Hugging Face Hub, and take one from there: files only, never code."""

from abc import ABC, abstractmethod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

FILES = ["*.json", "*.safetensors"]
CARD = "README.md"


class OnHub(ABC):
    """What is kept in a folder can be pushed to a repository, and loaded from one by name.

    A local folder behaves the same. What comes from a repository is read as any folder is: checked,
    by name, without running anything.
    """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the artefact into a folder."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Read the artefact from a folder."""

    @abstractmethod
    def card(self, name: str) -> str:
        """Return the model card, in Markdown; ``name`` is where it will lie."""

    def save_pretrained(self, folder: Path | str, name: str = "") -> None:
        """Write the artefact and its card into a folder."""
        self.save(Path(folder))
        (Path(folder) / CARD).write_text(self.card(name or str(folder)), encoding="utf-8")

    def push_to_hub(
        self, repo_id: str, *, private: bool | None = None, token: str | None = None
    ) -> str:
        """Write the artefact and its card into a repository, which is made if there is none.

        Args:
            repo_id: ``owner/name``.
            private: Whether a new repository is; None leaves it to the owner's settings.
            token: Of the owner; None takes the one that is logged in.

        Returns:
            The commit's address.
        """
        from huggingface_hub import HfApi

        api = HfApi(token=token)
        api.create_repo(repo_id, private=private, exist_ok=True)
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder, repo_id)
            done = api.upload_folder(
                repo_id=repo_id,
                folder_path=folder,
                commit_message=f"{type(self).__name__} of probexit",
                allow_patterns=[*FILES, CARD],
                delete_patterns=FILES,
            )
        return str(done)

    @classmethod
    def from_pretrained(
        cls, name: Path | str, *, revision: str | None = None, token: str | None = None
    ) -> Self:
        """Read an artefact from a local folder, or from a repository of the Hub.

        Args:
            name: Folder, or ``owner/name``.
            revision: Commit, branch or tag of a repository.
            token: For a private one.

        Raises:
            ValueError: if there is no such folder or repository, or it holds no such artefact.
        """
        if Path(name).is_dir():
            return cls.load(Path(name))
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError

        with TemporaryDirectory() as folder:
            try:
                snapshot_download(
                    str(name),
                    revision=revision,
                    token=token,
                    local_dir=folder,
                    allow_patterns=FILES,
                )
            except (HfHubHTTPError, HFValidationError, OSError) as error:
                first = str(error).strip().splitlines()[0]
                raise ValueError(
                    f"{name} is no folder here, and cannot be had from the Hub: {first}"
                ) from error
            return cls.load(Path(folder))
